# frozen_string_literal: true

module LambentRuntime
  # The variable that carries the trace header, set anew for each invocation.
  #
  # `ENV[]=` ends in setenv(3), which never frees what it was given: a hundred bytes at each invocation. Here the variable
  # lies in a buffer of our own that is written over, which POSIX allows for what putenv(3) was given.
  class TraceVariable
    NAME = '_X_AMZN_TRACE_ID'
    ROOM_BYTES = 4096 # the platform sends no longer header than a quarter of it (environment/live.py)
    START = NAME.bytesize + 1

    def initialize
      @buffer = Fiddle::Pointer.malloc(START + ROOM_BYTES, Fiddle::RUBY_FREE)
      @buffer[0, START] = "#{NAME}="
      @putenv = imported('putenv', Fiddle::TYPE_INT)
      @getenv = imported('getenv', Fiddle::TYPE_VOIDP)
      @name = "#{NAME}\0"
    end

    # Have the variable say `header`, or be absent when that is empty.
    def set(header)
      return ENV.delete(NAME) if header.empty?

      @buffer[START, header.bytesize + 1] = "#{header.b}\0"
      @putenv.call(@buffer) unless @getenv.call(@name).to_i == @buffer.to_i + START # the function may have set it
    end

    private

    def imported(name, answer)
      Fiddle::Function.new(Fiddle::Handle::DEFAULT[name], [Fiddle::TYPE_VOIDP], answer)
    end
  end
end
