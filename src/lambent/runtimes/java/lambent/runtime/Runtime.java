package lambent.runtime;

import com.amazonaws.services.lambda.runtime.LambdaRuntimeInternal;
import java.io.ByteArrayOutputStream;
import java.io.IOError;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;

/**
 * One invocation after the other, on the thread that has loaded the handler.
 *
 * <p>An error of the virtual machine (out of memory, stack overflow) ends the process after it was told, as on AWS.
 */
final class Runtime {
    private static final String TRACE = "com.amazonaws.xray.traceHeader";

    private final Channel channel;
    private final Logger logger;
    private final long startedNs;
    private Method log4jContext;

    Runtime(Channel channel, Logger logger, long startedNs) {
        this.channel = channel;
        this.logger = logger;
        this.startedNs = startedNs;
    }

    /** There is no handler: say why, and end. */
    void failInit(Fault fault) throws IOException {
        logger.error(fault.logged());
        flush();
        send(Channel.INIT_ERROR, plain(fault.type) + "\0" + elapsed(), fault.told());
        System.exit(1);
    }

    /** The init phase is over. Returns when the platform has hung up. */
    void serve(Handler handler) throws IOException {
        ByteArrayOutputStream answer = new ByteArrayOutputStream(1024);
        flush();
        send(Channel.READY, elapsed(), "");
        for (Channel.Invocation next = channel.next(); next != null; next = channel.next()) {
            answer.reset();
            logger.attend(next.requestId);
            if (next.trace.isEmpty()) {
                System.clearProperty(TRACE);
            } else {
                System.setProperty(TRACE, next.trace);
            }
            serveOne(handler, next, answer);
        }
    }

    private void serveOne(Handler handler, Channel.Invocation invocation, ByteArrayOutputStream answer) throws IOException {
        Fault fault;
        try {
            tellLog4j(invocation.requestId);
            handler.serve(invocation.payload, answer, new InvocationContext(invocation, logger));
            Thread.interrupted(); // left over from the function
            flush();
            byte[] payload = answer.toByteArray();
            channel.send(Channel.RESPONSE, invocation.requestId, payload, payload.length);
            return;
        } catch (Throwable thrown) {
            fault = Fault.thrown(thrown, thrown instanceof VirtualMachineError || thrown instanceof IOError);
        }
        logger.error(fault.logged());
        flush();
        send(fault.endsProcess ? Channel.FATAL : Channel.ERROR, invocation.requestId + "\0" + plain(fault.type), fault.told());
        if (fault.endsProcess) {
            System.exit(1);
        }
    }

    /** log4j2's appender has asked for the request id in its thread context. */
    private void tellLog4j(String requestId) throws ReflectiveOperationException {
        if (!LambdaRuntimeInternal.getUseLog4jAppender()) {
            return;
        }
        if (log4jContext == null) {
            ClassLoader loader = Thread.currentThread().getContextClassLoader();
            Class<?> context = Class.forName("org.apache.logging.log4j.ThreadContext", true, loader);
            log4jContext = context.getMethod("put", String.class, String.class);
        }
        log4jContext.invoke(null, "AWSRequestId", requestId);
    }

    private void send(int kind, String meta, String payload) throws IOException {
        byte[] bytes = payload.getBytes(StandardCharsets.UTF_8);
        channel.send(kind, meta, bytes, bytes.length);
    }

    private String elapsed() {
        return String.valueOf((System.nanoTime() - startedNs) / 1000);
    }

    private static void flush() {
        System.out.flush();
        System.err.flush();
    }

    /** An error's type as a field of a frame. */
    private static String plain(String type) {
        String told = type == null ? "Runtime.BadFunctionCode" : type;
        return told.substring(0, Math.min(told.length(), 256)).replace("\0", "");
    }
}
