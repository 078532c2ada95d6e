package lambent.runtime;

import com.amazonaws.services.lambda.runtime.logging.LogFormat;
import com.amazonaws.services.lambda.runtime.logging.LogLevel;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;

/** The runtime without a channel: each line of stdin is {handler, event in Base64}, each of stdout what came of it. */
final class Harness {
    public static void main(String[] folders) throws Exception {
        URL[] path = new URL[folders.length];
        for (int i = 0; i < folders.length; i++) {
            path[i] = new File(folders[i]).toURI().toURL();
        }
        ClassLoader loader = new URLClassLoader(path, Harness.class.getClassLoader());
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            Map<?, ?> asked = (Map<?, ?>) new JsonReader(line.getBytes(StandardCharsets.UTF_8)).read();
            byte[] event = Base64.getDecoder().decode((String) asked.get("event"));
            out.println(JsonWriter.text(told((String) asked.get("handler"), event, loader)));
        }
    }

    private static Map<String, Object> told(String name, byte[] event, ClassLoader loader) {
        Map<String, Object> told = new LinkedHashMap<>();
        Channel.Invocation invocation = new Channel.Invocation("id", 0, "arn", "", "", event);
        InvocationContext context = new InvocationContext(invocation, new Logger(LogFormat.TEXT, LogLevel.FATAL) {
            @Override
            public void log(String message) {}
        });
        try {
            ByteArrayOutputStream answer = new ByteArrayOutputStream();
            new Handlers(Serializer.of(loader)).load(name, loader).serve(event, answer, context);
            told.put("answer", answer.toString(StandardCharsets.UTF_8));
        } catch (Throwable thrown) {
            Fault fault = Fault.thrown(thrown, thrown instanceof VirtualMachineError);
            told.put("fault", fault.told());
            told.put("logged", fault.logged());
            told.put("ends", fault.endsProcess);
        }
        return told;
    }
}
