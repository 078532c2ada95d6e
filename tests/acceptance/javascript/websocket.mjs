// Node.js's `ws` as a peer over TLS, and the AWS SDK's client of @connections: prints what they saw, as JSON.
import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GetConnectionCommand,
  PostToConnectionCommand,
} from "@aws-sdk/client-apigatewaymanagementapi";
import { once } from "node:events";
import WebSocket from "ws";

const { SOCKET, MANAGEMENT } = process.env;
const clients = new ApiGatewayManagementApiClient({ endpoint: MANAGEMENT, region: "us-east-1" });
const socket = new WebSocket(SOCKET, { perMessageDeflate: true });
await once(socket, "open");

async function heard() {
  const [data, isBinary] = await once(socket, "message");
  return { text: data.toString(), isBinary };
}

socket.send("{}");
const ConnectionId = JSON.parse((await heard()).text).connectionId;
const waiting = heard();
await clients.send(new PostToConnectionCommand({ ConnectionId, Data: "größer ".repeat(14_000) }));
const long = await waiting;
const shown = await clients.send(new GetConnectionCommand({ ConnectionId }));
socket.ping("?");
const [pong] = await once(socket, "pong");
await clients.send(new DeleteConnectionCommand({ ConnectionId }));
const [code] = await once(socket, "close");
let gone = "";
try {
  await clients.send(new PostToConnectionCommand({ ConnectionId, Data: "x" }));
} catch (error) {
  gone = error.name;
}
console.log(
  JSON.stringify({
    long: long.text === "größer ".repeat(14_000) && !long.isBinary,
    connectedAt: shown.ConnectedAt instanceof Date,
    pong: pong.toString(),
    extensions: socket.extensions,
    code,
    gone,
  }),
);
