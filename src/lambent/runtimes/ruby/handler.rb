# frozen_string_literal: true

# How an event becomes an object and an answer becomes bytes. AWS lets functions replace these two methods.
module AwsLambda
  class Marshaller
    class << self
      def marshall_request(raw_request)
        raw_request['Content-Type'] == 'application/json' ? JSON.parse(raw_request.body) : raw_request.body
      end

      def marshall_response(method_response)
        case method_response
        when StringIO, IO then [method_response, 'application/unknown']
        else method_response.to_json
        end
      end
    end
  end
end

module LambentRuntime
  # An event as `marshall_request` takes it: a body, and headers by name.
  class RawRequest
    attr_reader :body

    def initialize(body)
      @body = body
    end

    def [](name)
      name.casecmp?('Content-Type') ? 'application/json' : nil
    end
  end

  # From a handler's name to the answer: `folder/file.method`, or `file.Module::Class.method`.
  # Source: Lambda Developer Guide, "Define Lambda function handler in Ruby".
  class Handler
    FORM = 'must be of the form FILENAME.METHOD or FILENAME.CLASS.METHOD, where FILENAME is a Ruby source file ' \
           'FILENAME.rb, CLASS an optional module or class, and METHOD a method of the file or of that class'

    def initialize(name)
      parts = name.split('.')
      raise ArgumentError, "Invalid handler #{parts}, #{FORM}" unless [2, 3].include?(parts.size) && parts.none?(&:empty?)

      @file, @owner, @method = parts.size == 3 ? parts : [parts[0], nil, parts[1]]
    end

    # Load the function's file; what it raises passes through.
    def load
      require @file
    end

    # The bytes of the answer.
    def call(payload, context)
      event = AwsLambda::Marshaller.marshall_request(RawRequest.new(payload))
      receiver = @owner ? Kernel.const_get(@owner) : TOPLEVEL_BINDING.receiver
      answer, = *AwsLambda::Marshaller.marshall_response(receiver.__send__(@method, event: event, context: context))
      answer.is_a?(String) ? answer : answer.read
    end
  end
end
