package demo;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.LambdaRuntime;
import com.amazonaws.services.lambda.runtime.logging.LogLevel;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.Year;
import java.time.YearMonth;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;

/** Handlers of every form that is a method. */
public class Forms {
    public record Point(int x, double y, String label) {}

    public enum Mood { CALM, LOUD }

    public static class Person {
        public String[] names;
        private int age;
        private Mood mood;
        private Person friend;

        public int getAge() { return age; }

        public void setAge(int age) { this.age = age; }

        public Mood getMood() { return mood; }

        public void setMood(Mood mood) { this.mood = mood; }

        public Person getFriend() { return friend; }

        public void setFriend(Person friend) { this.friend = friend; }
    }

    public static String greet(String name) { return "Hello, " + name; }

    public int twice(int number) { return 2 * number; }

    public Point mirrored(Point point, Context context) { return new Point(-point.x(), -point.y(), point.label()); }

    public List<Person> elder(List<Person> people) {
        people.forEach(each -> each.setAge(each.getAge() + 1));
        return people;
    }

    public void nothing(Map<String, Integer> counts) {}

    public void shout(InputStream input, OutputStream output, Context context) throws IOException {
        String text = new String(input.readAllBytes(), StandardCharsets.UTF_8);
        output.write(text.toUpperCase().getBytes(StandardCharsets.UTF_8));
    }

    public Object same(Object event) { return event; }

    public boolean flag(boolean event) { return event; }

    public Map<String, Integer> numbers(Map<String, Integer> event) { return event; }

    public List<String> line(Queue<String> event) { return List.of(event.getClass().getName(), event.toString()); }

    public List<Object> moments(Instant at, Context context) { return List.of(at, YearMonth.of(2026, 11), Year.of(2026)); }

    /** Two of one name: the one with a Context counts. */
    public String overloaded(String event) { return "without"; }

    public String overloaded(String event, Context context) { return "with"; }

    /** Whatever an event asks for. */
    public Object act(Map<String, Object> event, Context context) throws Exception {
        switch ((String) event.get("do")) {
            case "tell": return told(context);
            case "environment": return new TreeMap<>(System.getenv());
            case "log": return log(context);
            case "read": return new FileInputStream("lib/note.txt").available() + Files.readAllLines(Path.of("lib/note.txt")).size();
            case "texts": return List.of("\u00e9\u4e2d".getBytes().length, new String(new byte[] {(byte) 0xc3, (byte) 0xa9}), Locale.getDefault().toString());
            case "throw": throw new UncheckedIOException("outer", new IOException("inner"));
            case "fill":
                List<byte[]> held = new ArrayList<>();
                while (true) { held.add(new byte[1 << 20]); }
            case "recurse": return act(event, context);
            case "itself":
                Map<String, Object> me = new LinkedHashMap<>();
                me.put("me", me);
                return me;
            case "exit": System.exit(3);
            case "sleep": Thread.sleep(30_000);
            case "collect":
                for (int i = 0; i < 400; i++) { event.put("held", new byte[1 << 20]); }
                return "lives";
            case "child":
                ProcessBuilder shell = new ProcessBuilder("/bin/sh", "-c", "pwd; echo $AWS_LAMBDA_FUNCTION_NAME$LAMBENT_ROOM; ls /proc/self/fd | wc -l");
                Process child = shell.start();
                return new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8).split("\n");
            default: return null;
        }
    }

    private static Map<String, Object> told(Context context) {
        Map<String, Object> told = new LinkedHashMap<>();
        told.put("name", context.getFunctionName());
        told.put("version", context.getFunctionVersion());
        told.put("arn", context.getInvokedFunctionArn());
        told.put("id", context.getAwsRequestId());
        told.put("group", context.getLogGroupName());
        told.put("memory", context.getMemoryLimitInMB());
        told.put("left", context.getRemainingTimeInMillis());
        told.put("custom", context.getClientContext() == null ? null : context.getClientContext().getCustom());
        told.put("app", context.getClientContext() == null ? null : context.getClientContext().getClient().getAppTitle());
        told.put("trace", System.getProperty("com.amazonaws.xray.traceHeader"));
        told.put("folder", System.getProperty("user.dir"));
        told.put("max_mb", Runtime.getRuntime().maxMemory() >> 20);
        told.put("stack", System.getProperty("early"));
        return told;
    }

    private static Object log(Context context) {
        context.getLogger().log("two\nlines");
        context.getLogger().log("careful", LogLevel.WARN);
        context.getLogger().log("detail", LogLevel.DEBUG);
        LambdaRuntime.getLogger().log("bytes".getBytes(StandardCharsets.UTF_8));
        System.out.println("printed");
        System.err.println("to stderr");
        System.out.print("without an end");
        return null;
    }
}
