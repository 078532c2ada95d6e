// What a user of the AWS SDK for JavaScript v3 does with functions and queues, against the endpoint in AWS_ENDPOINT_URL.
// Nothing is configured here: the SDK reads the same variables as in its users' shells. Run by test_javascript_sdk.py.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";

import { CloudWatchLogsClient, FilterLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { IAMClient, CreateRoleCommand } from "@aws-sdk/client-iam";
import {
  AddPermissionCommand,
  CreateAliasCommand,
  CreateFunctionCommand,
  CreateFunctionUrlConfigCommand,
  DeleteFunctionCommand,
  GetFunctionCommand,
  GetFunctionEventInvokeConfigCommand,
  GetLayerVersionPolicyCommand,
  GetPolicyCommand,
  AddLayerVersionPermissionCommand,
  InvokeCommand,
  InvokeWithResponseStreamCommand,
  LambdaClient,
  ListLayerVersionsCommand,
  PublishLayerVersionCommand,
  PublishVersionCommand,
  PutFunctionEventInvokeConfigCommand,
  RemovePermissionCommand,
  ResourceNotFoundException,
  TooManyRequestsException,
  PutFunctionConcurrencyCommand,
  UpdateAliasCommand,
  UpdateFunctionConfigurationCommand,
  paginateListFunctions,
  waitUntilFunctionActiveV2,
  waitUntilFunctionUpdatedV2,
  waitUntilPublishedVersionActive,
} from "@aws-sdk/client-lambda";
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
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
  return { ...answer, value: JSON.parse(answer.Payload?.transformToString() || "null") };
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

test("an alias can share its requests out", async () => {
  const RoutingConfig = { AdditionalVersionWeights: { 2: 0.5 } };
  await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: name, Description: "second" }));
  await waitUntilFunctionUpdatedV2(waiting, { FunctionName: name });
  assert.equal((await lambda.send(new PublishVersionCommand({ FunctionName: name }))).Version, "2");
  await lambda.send(new UpdateAliasCommand({ FunctionName: name, Name: "live", RoutingConfig }));
  const versions = new Set();
  for (let tries = 0; tries < 60 && versions.size < 2; tries += 1) {
    versions.add((await invoke({ name: "Ada" }, { Qualifier: "live" })).ExecutedVersion);
  }
  assert.deepEqual([...versions].sort(), ["1", "2"]);
});

test("a layer is under /opt and on the path", async () => {
  const Content = { ZipFile: readFileSync(process.env.LAYER_ZIP) };
  const layer = await lambda.send(new PublishLayerVersionCommand({ LayerName: name, Content }));
  assert.ok(layer.LayerVersionArn.endsWith(`:layer:${name}:1`));
  const listed = await lambda.send(new ListLayerVersionsCommand({ LayerName: name }));
  assert.deepEqual(listed.LayerVersions.map((each) => each.Version), [1]);
  const may = { LayerName: name, VersionNumber: 1, StatementId: "all", Action: "lambda:GetLayerVersion", Principal: "*" };
  await lambda.send(new AddLayerVersionPermissionCommand(may));
  const { Policy } = await lambda.send(new GetLayerVersionPolicyCommand({ LayerName: name, VersionNumber: 1 }));
  assert.equal(JSON.parse(Policy).Statement[0].Sid, "all");
  await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: name, Layers: [layer.LayerVersionArn] }));
  await waitUntilFunctionUpdatedV2(waiting, { FunctionName: name });
  assert.equal((await invoke({ layer: true })).value, "from the layer");
});

test("a function URL is open to those whom a permission names", async () => {
  const { FunctionUrl } = await lambda.send(new CreateFunctionUrlConfigCommand({ FunctionName: name, AuthType: "NONE" }));
  const place = new URL(FunctionUrl);
  const id = place.hostname.split(".")[0];
  const address = new URL(`/_aws/lambda-url/${id}/?name=Ada`, process.env.AWS_ENDPOINT_URL); // needs no names
  assert.equal((await fetch(address)).status, 403);
  const statement = { StatementId: "public", Action: "lambda:InvokeFunctionUrl", Principal: "*" };
  await lambda.send(new AddPermissionCommand({ FunctionName: name, ...statement, FunctionUrlAuthType: "NONE" }));
  const answer = await fetch(address);
  assert.deepEqual([answer.status, await answer.text()], [200, "good evening Ada"]);
  const { Policy, RevisionId } = await lambda.send(new GetPolicyCommand({ FunctionName: name }));
  assert.equal(JSON.parse(Policy).Statement[0].Condition.StringEquals["lambda:FunctionUrlAuthType"], "NONE");
  await lambda.send(new RemovePermissionCommand({ FunctionName: name, StatementId: "public", RevisionId }));
  assert.equal((await fetch(address)).status, 403);
});

test("an event runs behind its 202, and what fails goes to its destination", async () => {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: `${name}-failed` }));
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }));
  const DestinationConfig = { OnFailure: { Destination: Attributes.QueueArn } };
  const config = { FunctionName: name, MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 };
  await lambda.send(new PutFunctionEventInvokeConfigCommand({ ...config, DestinationConfig }));
  const told = await lambda.send(new GetFunctionEventInvokeConfigCommand({ FunctionName: name }));
  assert.deepEqual([told.MaximumRetryAttempts, told.DestinationConfig.OnFailure], [0, DestinationConfig.OnFailure]);
  const answer = await invoke({ nobody: 1 }, { InvocationType: "Event" });
  assert.deepEqual([answer.StatusCode, answer.value], [202, null]);
  const got = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }));
  const record = JSON.parse(got.Messages[0].Body);
  assert.equal(record.requestContext.condition, "RetriesExhausted");
  assert.equal(record.requestContext.requestId, answer.$metadata.requestId);
  assert.deepEqual(record.requestPayload, { nobody: 1 });
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
