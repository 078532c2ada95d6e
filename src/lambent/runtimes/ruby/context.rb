# frozen_string_literal: true

# The context object of an invocation.
# Source: Lambda Developer Guide, "Using the Lambda context object to retrieve Ruby function information".
class LambdaContext
  attr_reader :aws_request_id, :invoked_function_arn, :log_group_name, :log_stream_name, :function_name,
              :memory_limit_in_mb, :function_version, :identity, :tenant_id, :client_context, :deadline_ms

  FACTS = {
    log_group_name: 'AWS_LAMBDA_LOG_GROUP_NAME',
    log_stream_name: 'AWS_LAMBDA_LOG_STREAM_NAME',
    function_name: 'AWS_LAMBDA_FUNCTION_NAME',
    memory_limit_in_mb: 'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
    function_version: 'AWS_LAMBDA_FUNCTION_VERSION'
  }.freeze

  def initialize(invocation)
    FACTS.each { |member, variable| instance_variable_set(:"@#{member}", ENV.fetch(variable, nil)) }
    @aws_request_id = invocation.request_id
    @deadline_ms = invocation.deadline_ms
    @invoked_function_arn = invocation.arn
    @client_context = JSON.parse(invocation.client_context) unless invocation.client_context.to_s.empty?
  end

  # Milliseconds until the invocation times out, never below 0.
  def get_remaining_time_in_millis
    [@deadline_ms - Process.clock_gettime(Process::CLOCK_REALTIME, :millisecond), 0].max
  end
end
