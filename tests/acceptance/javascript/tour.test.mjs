// What a user of the AWS SDK for JavaScript v3 does with functions and queues, against the endpoint in AWS_ENDPOINT_URL.
// Nothing is configured here: the SDK reads the same variables as in its users' shells. Run by test_javascript_sdk.py.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";

import { CloudWatchLogsClient, FilterLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { IAMClient, CreateRoleCommand } from "@aws-sdk/client-iam";
import {
  CreateAliasCommand,
  CreateFunctionCommand,
  DeleteFunctionCommand,
  GetFunctionCommand,
  InvokeCommand,
  InvokeWithResponseStreamCommand,
  LambdaClient,
  PublishVersionCommand,
  ResourceNotFoundException,
  TooManyRequestsException,
  PutFunctionConcurrencyCommand,
  UpdateFunctionConfigurationCommand,
  paginateListFunctions,
  waitUntilFunctionActiveV2,
  waitUntilFunctionUpdatedV2,
  waitUntilPublishedVersionActive,
} from "@aws-sdk/client-lambda";
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  QueueDoesNotExist,
  ReceiveMessageCommand,
  SQSClient,
  SendMessageBatchCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";

const lambda = new LambdaClient({ maxAttempts: 1 });
const iam = new IAMClient({ maxAttempts: 1 });
const logs = new CloudWatchLogsClient({ maxAttempts: 1 });
const sqs = new SQSClient({ maxAttempts: 1 });
const waiting = { client: lambda, maxWaitTime: 30, minDelay: 1 };
const name = `javascript-${randomUUID()}`;
const code = readFileSync(process.env.FUNCTION_ZIP);
let role;

async function invoke(payload, more = {}) {
  const answer = await lambda.send(
    new InvokeCommand({ FunctionName: name, Payload: JSON.stringify(payload), ...more }),
  );
  return { ...answer, value: JSON.parse(answer.Payload.transformToString() || "null") };
}

before(async () => {
  const trust = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
  };
  const made = await iam.send(
    new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: JSON.stringify(trust) }),
  );
  role = made.Role.Arn;
  await lambda.send(
    new CreateFunctionCommand({
      FunctionName: name,
      Runtime: "python3.11",
      Role: role,
      Handler: "app.handler",
      Code: { ZipFile: code },
      Environment: { Variables: { GREETING: "hello" } },
    }),
  );
  await waitUntilFunctionActiveV2(waiting, { FunctionName: name });
});

test("a function answers, with its version and the end of its log", async () => {
  const answer = await invoke({ name: "Ada" }, { LogType: "Tail" });
  assert.equal(answer.StatusCode, 200);
  assert.equal(answer.ExecutedVersion, "$LATEST");
  assert.equal(answer.value, "hello Ada");
  assert.match(Buffer.from(answer.LogResult, "base64").toString(), /REPORT RequestId/);
});

test("an error of the handler is a function error, not an exception", async () => {
  const answer = await invoke({});
  assert.equal(answer.FunctionError, "Unhandled");
  assert.equal(answer.value.errorType, "KeyError");
});

test("an update that was waited for is what runs next", async () => {
  const variables = { GREETING: "good evening" };
  await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: name, Environment: { Variables: variables } }));
  await waitUntilFunctionUpdatedV2(waiting, { FunctionName: name });
  assert.equal((await invoke({ name: "Ada" })).value, "good evening Ada");
});

test("versions and aliases lead to what was published", async () => {
  const { Version } = await lambda.send(new PublishVersionCommand({ FunctionName: name }));
  await waitUntilPublishedVersionActive(waiting, { FunctionName: name, Qualifier: Version });
  const alias = await lambda.send(new CreateAliasCommand({ FunctionName: name, Name: "live", FunctionVersion: Version }));
  assert.ok(alias.AliasArn.endsWith(`:${name}:live`));
  assert.equal((await invoke({ name: "Ada" }, { Qualifier: "live" })).ExecutedVersion, Version);
});

test("the paginator walks over all functions", async () => {
  const seen = [];
  for await (const page of paginateListFunctions({ client: lambda, pageSize: 1 }, {})) {
    seen.push(...page.Functions.map((each) => each.FunctionName));
  }
  assert.ok(seen.includes(name));
});

test("a streamed answer comes in pieces, and an error in the middle at its end", async () => {
  const stream = async (event) => {
    const command = new InvokeWithResponseStreamCommand({ FunctionName: name, Payload: JSON.stringify(event) });
    const pieces = [];
    let end;
    for await (const { PayloadChunk, InvokeComplete } of (await lambda.send(command)).EventStream) {
      if (PayloadChunk) pieces.push(Buffer.from(PayloadChunk.Payload).toString());
      if (InvokeComplete) end = InvokeComplete;
    }
    return { pieces, end };
  };
  assert.deepEqual((await stream({ words: ["a", "b"] })).pieces, ["a", "b"]);
  const { pieces, end } = await stream({ words: ["a", 1] });
  assert.deepEqual(pieces, ["a"]);
  assert.equal(end.ErrorCode, "Unhandled");
  assert.equal(JSON.parse(end.ErrorDetails).errorType, "Runtime.MarshalError");
});

test("errors arrive as the SDK's own classes", async () => {
  await assert.rejects(lambda.send(new GetFunctionCommand({ FunctionName: "nobody" })), ResourceNotFoundException);
  await lambda.send(new PutFunctionConcurrencyCommand({ FunctionName: name, ReservedConcurrentExecutions: 0 }));
  await assert.rejects(invoke({ name: "Ada" }), TooManyRequestsException);
});

test("the log is in CloudWatch Logs", async () => {
  for (let tries = 0; tries < 100; tries += 1) {
    const page = await logs.send(new FilterLogEventsCommand({ logGroupName: `/aws/lambda/${name}` }));
    if (page.events.some((event) => event.message.startsWith("REPORT"))) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail("no REPORT line came");
});

test("messages go through a queue, their checksums checked by the SDK", async () => {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
  const attributes = { colour: { DataType: "String", StringValue: "blue" } };
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "one", MessageAttributes: attributes }));
  const Entries = [{ Id: "a", MessageBody: "two" }];
  assert.equal((await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }))).Successful.length, 1);
  const bodies = new Set();
  while (bodies.size < 2) {
    const got = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 5, MaxNumberOfMessages: 10, MessageAttributeNames: ["All"] }),
    );
    assert.ok(got.Messages?.length, "a message was lost");
    for (const message of got.Messages) {
      bodies.add(message.Body);
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
    }
  }
  assert.deepEqual([...bodies].sort(), ["one", "two"]);
  await assert.rejects(
    sqs.send(new SendMessageCommand({ QueueUrl: QueueUrl + "-nowhere", MessageBody: "x" })),
    QueueDoesNotExist,
  );
});

test("a deleted function is gone", async () => {
  await lambda.send(new DeleteFunctionCommand({ FunctionName: name }));
  await assert.rejects(lambda.send(new GetFunctionCommand({ FunctionName: name })), ResourceNotFoundException);
});
