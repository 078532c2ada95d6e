# frozen_string_literal: true

module LambentRuntime
  # One invocation after the other.
  #
  # An error that is no more than an error ends the invocation. A name that nobody knows, and what is no StandardError
  # (exit, a script error, no memory), ends the process too, as AWS's runtime interface client has it.
  class Runtime
    INIT_FAILED = 252 # -4, as AWS's
    FAILED = 255 # -1

    def self.now_us
      Process.clock_gettime(Process::CLOCK_MONOTONIC, :microsecond)
    end

    def initialize(channel, logs, started_us)
      @channel = channel
      @logs = logs
      @started_us = started_us
      @trace = TraceVariable.new
    end

    # Load the handler and serve it, for the life of the process.
    def run(name)
      handler = loaded(name)
      @channel.send(Channel::READY, [elapsed], '')
      loop { serve(handler, @channel.receive) }
    end

    private

    def elapsed
      (Runtime.now_us - @started_us).to_s
    end

    def loaded(name)
      Handler.new(name).tap(&:load)
    rescue Exception => e # an exit and a syntax error are its ends, too
      told = Errors.told(e, 'Init')
      @logs.error("Init error when loading handler #{name}", told)
      @channel.send(Channel::INIT_ERROR, [Errors.field(told), elapsed], JSON.generate(told))
      exit!(INIT_FAILED)
    end

    def serve(handler, invocation)
      @logs.request_id = invocation.request_id
      @trace.set(invocation.trace)
      answer = handler.call(invocation.payload, LambdaContext.new(invocation))
      @channel.send(Channel::RESPONSE, [invocation.request_id], answer)
    rescue Exception => e
      failed(invocation, e)
    end

    def failed(invocation, error)
      told = Errors.told(error, 'Function')
      fatal = Errors.fatal?(error)
      @logs.error(fatal ? 'Critical exception from handler' : 'Error raised from handler method', told)
      kind = fatal ? Channel::FATAL : Channel::ERROR
      @channel.send(kind, [invocation.request_id, Errors.field(told)], JSON.generate(told))
      exit!(FAILED) if fatal
    end
  end
end
