# frozen_string_literal: true

module LambentRuntime
  # Errors as a caller sees them.
  #
  # Source: Lambda Developer Guide, "AWS Lambda function errors in Ruby" ({errorMessage, errorType, stackTrace}, the type
  # as Function<CLASS>, and Init<CLASS> for what fails while the function is loaded).
  module Errors
    OURS = "#{__dir__}/"
    MOST_FRAMES = 100
    LONGEST_TYPE = 256

    # Whether the process ends after such an error: a name that nobody knows, and all that is no StandardError.
    def self.fatal?(error)
      error.is_a?(NameError) || !error.is_a?(StandardError)
    end

    # The body of an answer that tells of `error`.
    def self.told(error, phase)
      message = clean(error.message)
      { errorMessage: message, errorType: "#{phase}<#{error.class}>", stackTrace: frames(error) }
    end

    # The function's own frames: the runtime's lie below them.
    def self.frames(error)
      trace = (error.backtrace_locations || []).first(MOST_FRAMES).map(&:to_s)
      trace.take_while { |frame| !frame.start_with?(OURS) }.map { |frame| clean(frame) }
    end

    # An error's type as a field of a frame.
    def self.field(told)
      told[:errorType].delete("\0")[0, LONGEST_TYPE]
    end

    # `text` as UTF-8, whatever it was.
    def self.clean(text)
      text.to_s.encode(Encoding::UTF_8, invalid: :replace, undef: :replace).scrub
    end
  end
end
