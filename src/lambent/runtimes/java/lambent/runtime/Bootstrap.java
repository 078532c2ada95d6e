package lambent.runtime;

import com.amazonaws.services.lambda.runtime.LambdaRuntime;
import com.amazonaws.services.lambda.runtime.logging.LogFormat;
import com.amazonaws.services.lambda.runtime.logging.LogLevel;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The bootstrap of Java functions: started before it is known for which function, given one through descriptor 4.
 *
 * <p>What an invocation needs is used once ahead, then this process waits in a read. The assignment is one JSON text up to the end
 * of the pipe; an end without a text means that nobody needs us. From then on it is the function's process.
 *
 * <p>Rules for every class of this module: Java 11, java.base only, nothing printed before there is a function. Sources: Lambda
 * Developer Guide, "Building Lambda functions with Java"; AWS's open runtime interface client for Java was compared.
 */
final class Bootstrap {
    private static final int CHANNEL = 3;
    private static final int ASSIGNMENT = 4;
    private static final String LAYERS = "/opt/java/lib";

    private Bootstrap() {}

    public static void main(String[] arguments) throws Throwable {
        System.setOut(unbuffered(FileDescriptor.out));
        System.setErr(unbuffered(FileDescriptor.err));
        Warmth.spread();
        byte[] text;
        try (FileInputStream assignment = new FileInputStream(Channel.inherited(ASSIGNMENT))) {
            text = whole(assignment);
        }
        if (text.length == 0) {
            return;
        }
        long startedNs = System.nanoTime();
        Map<?, ?> told = (Map<?, ?>) new JsonReader(text).read();
        settle(told);
        become((String) told.get("task_root"), (String) told.get("handler"), startedNs);
    }

    /** Up to the end. InputStream.readAllBytes of a file asks for its position, which a pipe has not. */
    private static byte[] whole(FileInputStream pipe) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        byte[] part = new byte[8192];
        for (int read = pipe.read(part); read >= 0; read = pipe.read(part)) {
            all.write(part, 0, read);
        }
        return all.toByteArray();
    }

    private static PrintStream unbuffered(FileDescriptor descriptor) throws IOException {
        return new PrintStream(new FileOutputStream(descriptor), false, "UTF-8");
    }

    private static void settle(Map<?, ?> told) throws ReflectiveOperationException, IOException {
        if (told.get("variables") == null) {
            return; // started for its function, they are there already
        }
        Map<String, String> variables = new LinkedHashMap<>();
        ((Map<?, ?>) told.get("variables")).forEach((name, value) -> variables.put((String) name, (String) value));
        String runtimeApi = (String) told.get("runtime_api");
        if (!runtimeApi.isEmpty()) {
            variables.put("AWS_LAMBDA_RUNTIME_API", runtimeApi);
        }
        Variables.replace(variables);
    }

    private static void become(String taskRoot, String handlerName, long startedNs) throws IOException, ReflectiveOperationException {
        Channel channel = new Channel(Channel.inherited(CHANNEL));
        LogFormat format = LogFormat.fromString(System.getenv("AWS_LAMBDA_LOG_FORMAT"));
        Logger logger = new Logger(format, LogLevel.fromString(System.getenv("AWS_LAMBDA_LOG_LEVEL")));
        Field shared = LambdaRuntime.class.getDeclaredField("logger");
        shared.setAccessible(true);
        shared.set(null, logger);
        Runtime runtime = new Runtime(channel, logger, startedNs);
        ClassLoader loader = new URLClassLoader(classPath(taskRoot).toArray(new URL[0]), ClassLoader.getSystemClassLoader());
        Thread.currentThread().setContextClassLoader(loader);
        Handler handler;
        try {
            handler = new Handlers(Serializer.of(loader)).load(handlerName, loader);
        } catch (Fault fault) {
            runtime.failInit(fault);
            return;
        }
        runtime.serve(handler);
        System.exit(0); // the platform has hung up; threads of the function do not hold us
    }

    /** The folder, its lib/*.jar, and those of layers, each in alphabetical order. Source: AWS's class loader. */
    private static List<URL> classPath(String taskRoot) throws MalformedURLException {
        List<URL> path = new ArrayList<>();
        path.add(new File(taskRoot, "/").toURI().toURL());
        for (String folder : List.of(taskRoot + "/lib", LAYERS)) {
            File[] jars = new File(folder).listFiles((where, name) -> name.endsWith(".jar"));
            if (jars != null) {
                Arrays.sort(jars);
                for (File jar : jars) {
                    path.add(jar.toURI().toURL());
                }
            }
        }
        return path;
    }
}
