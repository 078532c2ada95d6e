# frozen_string_literal: true

module LambentRuntime
  # The runtime's end of the channel: whole frames in, whole frames out, on an inherited socket.
  #
  # The form of a frame is told in lambent/environment/api.py. A child process of the function has no channel: it is
  # closed by exec, and after a fork.
  class Channel
    INVOKE = 1
    READY = 16
    INIT_ERROR = 17
    RESPONSE = 18
    ERROR = 19
    FATAL = 22
    HEADER_BYTES = 7
    LENGTH_BYTES = 4
    READ_BYTES = 65_536
    FIELDS = 5

    # What one INVOKE says.
    Invocation = Struct.new(:request_id, :deadline_ms, :arn, :trace, :client_context, :payload)

    def initialize(descriptor)
      @io = IO.for_fd(descriptor, 'r+b', autoclose: false)
      @io.close_on_exec = true
      @io.sync = true
      Forks.close(@io)
    end

    # The next invocation. Ends the process when there will be none.
    def receive
      frame = @io.readpartial(READ_BYTES)
      frame << @io.readpartial(READ_BYTES) while frame.bytesize < HEADER_BYTES
      length, kind, meta_bytes = frame.unpack('NCn')
      missing = LENGTH_BYTES + length - frame.bytesize
      frame << @io.read(missing).to_s if missing.positive?
      exit!(1) unless kind == INVOKE && frame.bytesize == LENGTH_BYTES + length
      parsed(frame, HEADER_BYTES + meta_bytes)
    rescue IOError, SystemCallError
      exit!(0) # the platform has hung up, or this is a fork
    end

    # Send one frame, whole.
    def send(kind, meta, payload)
      told = meta.join("\0").b
      @io.write([3 + told.bytesize + payload.bytesize, kind, told.bytesize].pack('NCn') << told << payload.b)
    rescue IOError, SystemCallError
      exit!(0)
    end

    private

    def parsed(frame, start)
      meta = frame.byteslice(HEADER_BYTES, start - HEADER_BYTES).force_encoding(Encoding::UTF_8)
      request_id, deadline_ms, arn, trace, client_context = meta.split("\0", FIELDS)
      payload = frame.byteslice(start, frame.bytesize - start).force_encoding(Encoding::UTF_8)
      Invocation.new(request_id, deadline_ms.to_i, arn, trace, client_context, payload)
    end
  end

  # Closes the channel in every fork.
  module Forks
    def self.close(channel)
      @channel = channel
      Process.singleton_class.prepend(self)
    end

    def self.forked
      @channel.autoclose = true
      @channel.close
    end

    def _fork
      pid = super
      Forks.forked if pid.zero?
      pid
    end
  end
end
