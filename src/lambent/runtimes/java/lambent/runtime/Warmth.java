package lambent.runtime;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.logging.LogFormat;
import com.amazonaws.services.lambda.runtime.logging.LogLevel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What a first invocation would wait for, done before there is one: a handler of our own is loaded by a class loader of its own and
 * serves an event, so that the classes of the JDK and of this module are loaded and linked.
 */
final class Warmth {
    private static final byte[] EVENT =
            "{\"name\": \"a\\n\", \"numbers\": [1, 2.5, -3e2, 12345678901], \"nested\": {\"at\": \"2026-01-01T00:00:00Z\", \"is\": true}}"
                    .getBytes(StandardCharsets.UTF_8);

    private Warmth() {}

    static void spread() throws Throwable {
        URL ours = Warmth.class.getProtectionDomain().getCodeSource().getLocation();
        try (URLClassLoader loader = new URLClassLoader(new URL[] {ours}, ClassLoader.getSystemClassLoader().getParent())) {
            loader.getResource("META-INF/services/none");
            loader.loadClass(LogLevel.class.getName()); // from a jar, as a function's classes are
        }
        Serializer serializer = Serializer.of(ClassLoader.getPlatformClassLoader());
        Channel.Invocation invocation = new Channel.Invocation("id", 0, "arn", "", "{}", EVENT);
        Context context = new InvocationContext(invocation, new Logger(LogFormat.TEXT, LogLevel.UNDEFINED));
        for (String name : List.of(Beans.class.getName(), Echo.class.getName() + "::handle", Echo.class.getName())) {
            Handler handler = new Handlers(serializer).load(name, Warmth.class.getClassLoader());
            serve(handler, context);
        }
        Fault.thrown(new IllegalStateException("warm"), false).told();
        new ArrayList<>(List.of(System.getenv().size()));
    }

    private static void serve(Handler handler, Context context) throws IOException {
        try (ByteArrayOutputStream answer = new ByteArrayOutputStream()) {
            handler.serve(EVENT, answer, context);
        } catch (Throwable error) {
            throw new IllegalStateException("the runtime's own handler has failed", error);
        }
    }

    /** An event as it comes. */
    public static final class Echo implements RequestHandler<Map<String, Object>, Object> {
        @Override
        public Object handleRequest(Map<String, Object> event, Context context) {
            return event;
        }

        public static String handle(Object event, Context context) {
            return context.getAwsRequestId();
        }
    }

    /** An event as a bean. */
    public static final class Beans implements RequestHandler<Bean, Bean> {
        @Override
        public Bean handleRequest(Bean event, Context context) {
            return event;
        }
    }

    /** A bean. */
    public static final class Bean {
        public List<Double> numbers;
        private String name;
        private Nested nested;

        public String getName() {
            return name;
        }

        public void setName(String name) {
            this.name = name;
        }

        public Nested getNested() {
            return nested;
        }

        public void setNested(Nested nested) {
            this.nested = nested;
        }
    }

    /** A bean in a bean. */
    public static final class Nested {
        public Instant at;
        public boolean is;
    }
}
