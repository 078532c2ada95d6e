# frozen_string_literal: true

module LambentRuntime
  # What `puts` and Logger write: one call is one log event.
  #
  # An event goes out in a single write that begins with NUL and has its newlines as NUL (see
  # lambent/environment/api.py). `print`, `p` and what is written to $stdout itself are left alone.
  # Source: Lambda Developer Guide, "Log and monitor Ruby Lambda functions"; AWS's runtime interface client has the forms.
  class Logs
    LEVELS = { 'TRACE' => 'DEBUG', 'CRITICAL' => 'FATAL' }.freeze

    attr_accessor :request_id

    def initialize(variables)
      @out = IO.for_fd(1, 'wb', autoclose: false)
      @out.sync = true
      @json = variables['AWS_LAMBDA_LOG_FORMAT']&.upcase == 'JSON'
      level = variables.fetch('AWS_LAMBDA_LOG_LEVEL', '').upcase
      ConsoleLogger.install(self, @json ? JsonLines.new(self) : TextLines.new(self), LEVELS.fetch(level, level))
      ConsolePuts.install(self)
    end

    # Write `text` as one event.
    def write(text)
      line = Errors.clean(text).chomp.delete("\0").tr("\n", "\0")
      @out.write("\0#{line}\n")
      text.to_s.bytesize
    rescue IOError, SystemCallError
      0 # the function has closed it
    end

    # A Logger's own stream may be closed; ours stays.
    def close; end

    # The runtime's own word on an error.
    def error(title, told)
      return write(JSON.generate(JsonLines.record('ERROR', Time.now, title, request_id).merge(told))) if @json

      write(title)
      write(JSON.pretty_generate(told))
    end
  end

  # A Logger's line, with the request's id in it.
  class TextLines < Logger::Formatter
    def initialize(logs)
      super()
      @logs = logs
    end

    def call(severity, time, progname, message)
      stamp = "#{format_datetime(time)} ##{Process.pid}"
      "#{severity[0]}, [#{stamp}] #{severity.rjust(5)} #{@logs.request_id} -- #{progname}: #{msg2str(message)}\n"
    end
  end

  # A Logger's line as a JSON object.
  class JsonLines < Logger::Formatter
    TIME = '%Y-%m-%dT%H:%M:%S.%6NZ'

    def self.record(level, time, message, request_id)
      { timestamp: time.getutc.strftime(TIME), level: level, message: message, requestId: request_id }.compact
    end

    def initialize(logs)
      super()
      @logs = logs
    end

    def call(severity, time, progname, message)
      told = message.is_a?(Exception) ? message.message : msg2str(message)
      line = JsonLines.record(severity, time, Errors.clean(told), @logs.request_id)
      line[:logger] = Errors.clean(progname) unless progname.to_s.empty?
      "#{JSON.generate(line.merge(of_error(message)))}\n"
    end

    private

    def of_error(message)
      return {} unless message.is_a?(Exception)

      trace = Array(message.backtrace).map { |frame| Errors.clean(frame) }
      { errorType: message.class.to_s, errorMessage: Errors.clean(message.message), stackTrace: trace }
    end
  end

  # Loggers on the console write events.
  module ConsoleLogger
    class << self
      attr_reader :logs, :lines, :least

      def install(logs, lines, least)
        @logs = logs
        @lines = lines
        @least = Logger::Severity.const_defined?(least) ? Logger::Severity.const_get(least) : nil unless least.empty?
        Logger.prepend(self)
      end
    end

    def initialize(logdev, *given, **named)
      return super unless logdev.nil? || logdev.equal?($stdout) || logdev.equal?($stderr)

      super(ConsoleLogger.logs, *given, **named)
      @default_formatter = ConsoleLogger.lines
      self.level = ConsoleLogger.least if ConsoleLogger.least && !named.key?(:level)
    end
  end

  # `puts` writes one event, whatever its lines.
  module ConsolePuts
    class << self
      attr_reader :logs

      def install(logs)
        @logs = logs
        Object.prepend(self)
      end
    end

    private

    def puts(*said)
      return super unless $stdout.equal?(STDOUT)

      ConsolePuts.logs.write(said.flatten.map { |each| Errors.clean(each) }.join("\n"))
      nil
    end
  end
end
