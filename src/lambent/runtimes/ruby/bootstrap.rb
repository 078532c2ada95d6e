# frozen_string_literal: true

# The bootstrap of Ruby functions: started before it is known for which function, given one through descriptor 4.
#
# What AWS's own runtime has loaded is loaded first, and no more: a default gem that is loaded cannot be replaced by
# another version from a function's bundle. Then this process waits in a read. The assignment is one JSON text, up to
# the end of the pipe; an end without a text means that nobody needs us. From then on it is the function's process:
# its variables, its folders, its handler, and invocations as frames on descriptor 3.
#
# Rules for every file beside this one: the standard library only, Ruby 3.1 and newer, nothing of Lambent's; all but what
# functions are told of lives in the module LambentRuntime.
# Sources: Lambda Developer Guide, "Building Lambda functions with Ruby"; the behaviour of AWS's own open runtime
# interface client for Ruby was compared. The form of a frame: lambent/environment/api.py.

require 'fiddle'
require 'json'
require 'logger'
require 'net/http'
require 'stringio'
require_relative 'channel'
require_relative 'context'
require_relative 'errors'
require_relative 'handler'
require_relative 'logs'
require_relative 'runtime'
require_relative 'trace'

module LambentRuntime
  CHANNEL = 3
  ASSIGNMENT = 4

  # Wait for the assignment; nil when there will be none.
  def self.receive
    text = IO.open(ASSIGNMENT, 'rb', &:read)
    text.empty? ? nil : JSON.parse(text.force_encoding(Encoding::UTF_8))
  end

  # Become the function's process: its variables, its folder, and the search paths that Ruby has read at its start.
  def self.settle(assignment)
    ENV.replace(assignment['variables']) if assignment['variables'] # else they are there already
    ENV['AWS_LAMBDA_RUNTIME_API'] = assignment['runtime_api'] unless assignment['runtime_api'].empty?
    Dir.chdir(assignment['task_root'])
    $PROGRAM_NAME = 'bootstrap'
    places = [assignment['task_root'], *ENV.fetch('RUBYLIB', '').split(':').reject(&:empty?)]
    $LOAD_PATH.replace(places | $LOAD_PATH)
    Gem.clear_paths
  end

  def self.main
    $stdout.sync = $stderr.sync = true
    JSON.parse(JSON.generate({ warm: [true, 1, 'text'] }))
    assignment = receive
    exit!(0) if assignment.nil?
    started = Runtime.now_us
    settle(assignment)
    Runtime.new(Channel.new(CHANNEL), Logs.new(ENV.to_h), started).run(assignment['handler'])
  end
end

LambentRuntime.main
