package com.amazonaws.services.lambda.runtime;

/** Where code without a Context, such as log4j2's appender, finds the logger. */
public final class LambdaRuntime {
    private static volatile LambdaLogger logger; // set by lambent.runtime before function code is loaded

    private LambdaRuntime() {}

    public static LambdaLogger getLogger() {
        return logger;
    }
}
