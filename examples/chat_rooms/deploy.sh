#!/usr/bin/env bash
# The table and the WebSocket API of the example, with nothing but the AWS command line.
set -euo pipefail
function=${1:-chat_rooms}

aws dynamodb create-table --table-name chat-rooms --billing-mode PAY_PER_REQUEST \
  --attribute-definitions AttributeName=id,AttributeType=S --key-schema AttributeName=id,KeyType=HASH >/dev/null
arn=$(aws lambda get-function --function-name "$function" --query Configuration.FunctionArn --output text)
read -r api address < <(aws apigatewayv2 create-api --name chat-rooms --protocol-type WEBSOCKET \
  --route-selection-expression '$request.body.action' --query '[ApiId, ApiEndpoint]' --output text)
integration=$(aws apigatewayv2 create-integration --api-id "$api" --integration-type AWS_PROXY \
  --integration-uri "$arn" --query IntegrationId --output text)
for key in '$connect' '$disconnect' '$default' join say; do
  aws apigatewayv2 create-route --api-id "$api" --route-key "$key" --target "integrations/$integration" >/dev/null
done
aws apigatewayv2 create-stage --api-id "$api" --stage-name prod --auto-deploy >/dev/null
account=$(cut -d: -f5 <<<"$arn") region=$(cut -d: -f4 <<<"$arn")
aws lambda add-permission --function-name "$function" --statement-id "api-$api" --action lambda:InvokeFunction \
  --principal apigateway.amazonaws.com --source-arn "arn:aws:execute-api:$region:$account:$api/*" >/dev/null
echo "$address/prod"
