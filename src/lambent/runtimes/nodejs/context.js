'use strict';
// The context object of an invocation.
// Source: Lambda Developer Guide, "Using the Lambda context object to retrieve Node.js function information".

/** What does not change from one invocation to the next. */
function functionFacts(variables) {
  return {
    functionVersion: variables.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: variables.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: variables.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: variables.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: variables.AWS_LAMBDA_LOG_STREAM_NAME,
  };
}

/** Add to `base`, which has the ways to end an invocation, all that a handler may ask. */
function completed(base, facts, invocation) {
  const { requestId, deadlineMs, arn, clientContext } = invocation;
  return Object.assign(base, facts, {
    clientContext: clientContext ? JSON.parse(clientContext) : undefined,
    identity: undefined,
    invokedFunctionArn: arn,
    awsRequestId: requestId,
    getRemainingTimeInMillis: () => deadlineMs - Date.now(),
  });
}

module.exports = { functionFacts, completed };
