package lambent.runtime;

import com.amazonaws.services.lambda.runtime.Client;
import com.amazonaws.services.lambda.runtime.ClientContext;
import com.amazonaws.services.lambda.runtime.CognitoIdentity;
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.LambdaLogger;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The context object of an invocation.
 *
 * <p>Source: Lambda Developer Guide, "Using the Lambda context object to retrieve Java function information".
 */
final class InvocationContext implements Context {
    private final Channel.Invocation invocation;
    private final LambdaLogger logger;
    private final ClientContext client;

    InvocationContext(Channel.Invocation invocation, LambdaLogger logger) {
        this.invocation = invocation;
        this.logger = logger;
        this.client = invocation.clientContext.isEmpty() ? null : new GivenClient(invocation.clientContext);
    }

    @Override
    public String getAwsRequestId() {
        return invocation.requestId;
    }

    @Override
    public String getLogGroupName() {
        return System.getenv("AWS_LAMBDA_LOG_GROUP_NAME");
    }

    @Override
    public String getLogStreamName() {
        return System.getenv("AWS_LAMBDA_LOG_STREAM_NAME");
    }

    @Override
    public String getFunctionName() {
        return System.getenv("AWS_LAMBDA_FUNCTION_NAME");
    }

    @Override
    public String getFunctionVersion() {
        return System.getenv("AWS_LAMBDA_FUNCTION_VERSION");
    }

    @Override
    public String getInvokedFunctionArn() {
        return invocation.arn;
    }

    @Override
    public CognitoIdentity getIdentity() {
        return Nobody.INSTANCE;
    }

    @Override
    public ClientContext getClientContext() {
        return client;
    }

    @Override
    public int getRemainingTimeInMillis() {
        return (int) (invocation.deadlineMs - System.currentTimeMillis());
    }

    @Override
    public int getMemoryLimitInMB() {
        return Integer.parseInt(System.getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"));
    }

    @Override
    public LambdaLogger getLogger() {
        return logger;
    }

    @Override
    public String getXrayTraceId() {
        return invocation.trace.isEmpty() ? null : invocation.trace;
    }

    /** Nobody was authenticated by Amazon Cognito. */
    private enum Nobody implements CognitoIdentity {
        INSTANCE;

        @Override
        public String getIdentityId() {
            return "";
        }

        @Override
        public String getIdentityPoolId() {
            return "";
        }
    }

    /** X-Amz-Client-Context: {"client": {...}, "custom": {...}, "env": {...}}. */
    private static final class GivenClient implements ClientContext, Client {
        private final Map<?, ?> told;

        GivenClient(String text) {
            Object read = new JsonReader(text.getBytes(StandardCharsets.UTF_8)).read();
            told = read instanceof Map ? (Map<?, ?>) read : Map.of();
        }

        @Override
        public Client getClient() {
            return told.get("client") instanceof Map ? this : null;
        }

        @Override
        public Map<String, String> getCustom() {
            return texts("custom");
        }

        @Override
        public Map<String, String> getEnvironment() {
            return texts("env");
        }

        @Override
        public String getInstallationId() {
            return ofClient("installation_id");
        }

        @Override
        public String getAppTitle() {
            return ofClient("app_title");
        }

        @Override
        public String getAppVersionName() {
            return ofClient("app_version_name");
        }

        @Override
        public String getAppVersionCode() {
            return ofClient("app_version_code");
        }

        @Override
        public String getAppPackageName() {
            return ofClient("app_package_name");
        }

        private String ofClient(String name) {
            Object value = ((Map<?, ?>) told.get("client")).get(name);
            return value == null ? null : value.toString();
        }

        private Map<String, String> texts(String name) {
            if (!(told.get(name) instanceof Map)) {
                return null;
            }
            Map<String, String> texts = new LinkedHashMap<>();
            ((Map<?, ?>) told.get(name)).forEach((key, value) -> texts.put((String) key, value == null ? null : value.toString()));
            return texts;
        }
    }
}
