package demo;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.events.APIGatewayV2HTTPEvent;
import com.amazonaws.services.lambda.runtime.events.APIGatewayV2HTTPResponse;
import com.amazonaws.services.lambda.runtime.events.CloudFormationCustomResourceEvent;
import com.amazonaws.services.lambda.runtime.events.CloudWatchLogsEvent;
import com.amazonaws.services.lambda.runtime.events.CodeCommitEvent;
import com.amazonaws.services.lambda.runtime.events.ConnectEvent;
import com.amazonaws.services.lambda.runtime.events.DynamodbEvent;
import com.amazonaws.services.lambda.runtime.events.KafkaEvent;
import com.amazonaws.services.lambda.runtime.events.LexEvent;
import com.amazonaws.services.lambda.runtime.events.S3Event;
import com.amazonaws.services.lambda.runtime.events.SNSEvent;
import com.amazonaws.services.lambda.runtime.events.SQSBatchResponse;
import com.amazonaws.services.lambda.runtime.events.SQSEvent;
import com.amazonaws.services.lambda.runtime.events.ScheduledEvent;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** AWS's event classes, and a library of the function's own. */
public class Events {
    private static final ObjectMapper JSON = new ObjectMapper();

    public SQSBatchResponse queue(SQSEvent event, Context context) {
        List<SQSBatchResponse.BatchItemFailure> failed = new ArrayList<>();
        for (SQSEvent.SQSMessage each : event.getRecords()) {
            context.getLogger().log(each.getBody() + " of " + each.getEventSourceArn() + " " + each.getMessageAttributes().keySet());
            if (each.getBody().startsWith("bad")) {
                failed.add(new SQSBatchResponse.BatchItemFailure(each.getMessageId()));
            }
        }
        return new SQSBatchResponse(failed);
    }

    public List<Object> bucket(S3Event event) {
        var record = event.getRecords().get(0);
        var object = record.getS3().getObject();
        return List.of(record.getEventName(), record.getEventTime().getYear(), record.getS3().getBucket().getName(),
                object.getUrlDecodedKey(), object.getSizeAsLong(), object.geteTag());
    }

    public List<Object> topic(SNSEvent event) {
        SNSEvent.SNS told = event.getRecords().get(0).getSNS();
        return List.of(told.getMessage(), told.getTopicArn(), told.getTimestamp().getYear(), told.getMessageAttributes().get("a").getValue());
    }

    public List<Object> table(DynamodbEvent event) {
        var record = event.getRecords().get(0);
        var image = record.getDynamodb().getNewImage();
        return List.of(record.getEventName(), record.getEventSourceARN(), image.get("id").getS(), image.get("n").getN(),
                image.get("l").getL().get(0).getBOOL(), image.get("ss").getSS(),
                record.getDynamodb().getApproximateCreationDateTime().getTime());
    }

    public List<Object> rule(ScheduledEvent event) {
        return List.of(event.getDetailType(), event.getTime().getYear(), event.getDetail());
    }

    public SNSEvent unchanged(SNSEvent event) { return event; }

    public S3Event sameBucket(S3Event event) { return event; }

    public LexEvent sameBot(LexEvent event) { return event; }

    public KafkaEvent sameTopics(KafkaEvent event) { return event; }

    public ConnectEvent sameCall(ConnectEvent event) { return event; }

    public CodeCommitEvent sameCommits(CodeCommitEvent event) { return event; }

    public CloudWatchLogsEvent sameLines(CloudWatchLogsEvent event) { return event; }

    public CloudFormationCustomResourceEvent sameResource(CloudFormationCustomResourceEvent event) { return event; }

    public APIGatewayV2HTTPResponse web(APIGatewayV2HTTPEvent event, Context context) throws Exception {
        Map<?, ?> body = JSON.readValue(event.getBody(), Map.class);
        String answer = JSON.writeValueAsString(Map.of("method", event.getRequestContext().getHttp().getMethod(), "name", body.get("name")));
        return APIGatewayV2HTTPResponse.builder().withStatusCode(201).withHeaders(Map.of("X-From", "java")).withBody(answer).build();
    }
}
