/** The runtime of Java functions. A module, so that it alone may look into the JDK, and functions not into it. */
module lambent.runtime {
    exports com.amazonaws.services.lambda.runtime;
    exports com.amazonaws.services.lambda.runtime.logging;

    uses com.amazonaws.services.lambda.runtime.CustomPojoSerializer;
}
