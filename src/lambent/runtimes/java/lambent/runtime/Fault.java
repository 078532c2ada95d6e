package lambent.runtime;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * An error as a caller sees it and as the log shows it.
 *
 * <p>What the function has thrown carries its stack trace, without our own frames; what the runtime found (no such class, no such
 * method) has none. Sources: Lambda Developer Guide, "AWS Lambda function errors in Java"; the texts are those of AWS's
 * runtime interface client.
 */
final class Fault extends Exception {
    private static final long serialVersionUID = 1;
    private static final String OURS = Fault.class.getPackageName() + ".";
    private static final Set<String> REFLECTION = Set.of("java.lang.reflect", "jdk.internal.reflect");

    final String type;
    final boolean endsProcess;
    private final String[] frames;
    private final String trace;

    private Fault(String message, String type, String[] frames, String trace, boolean endsProcess) {
        super(message, null, false, false);
        this.type = type;
        this.frames = frames;
        this.trace = trace;
        this.endsProcess = endsProcess;
    }

    /** The runtime's own finding. */
    static Fault found(String message) {
        return new Fault(message, null, null, null, false);
    }

    /** The handler's class could not be loaded at all. */
    static Fault notLoaded(String message, Throwable why, boolean endsProcess) {
        cutOurFrames(why);
        return new Fault(message, why.getClass().getName(), null, traceOf(why), endsProcess);
    }

    /** The function has thrown. */
    static Fault thrown(Throwable why, boolean endsProcess) {
        if (why instanceof Fault) {
            return (Fault) why;
        }
        cutOurFrames(why);
        String message = why.getLocalizedMessage() == null ? why.getClass().getName() : why.getLocalizedMessage();
        String[] frames = Arrays.stream(why.getStackTrace()).map(StackTraceElement::toString).toArray(String[]::new);
        return new Fault(message, why.getClass().getName(), frames, traceOf(why), endsProcess);
    }

    /** The body of the answer that tells of it. */
    String told() {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("errorMessage", getMessage());
        if (type != null) {
            body.put("errorType", type);
        }
        if (frames != null) {
            body.put("stackTrace", frames);
        }
        return JsonWriter.text(body);
    }

    /** Its text in the log. */
    String logged() {
        return type == null ? getMessage() : getMessage() + ": " + type + "\n" + trace;
    }

    private static String traceOf(Throwable why) {
        StringWriter text = new StringWriter();
        why.printStackTrace(new PrintWriter(text, true));
        return text.toString();
    }

    private static void cutOurFrames(Throwable why) {
        cutOurFrames(why, Collections.newSetFromMap(new IdentityHashMap<>()));
    }

    private static void cutOurFrames(Throwable why, Set<Throwable> seen) {
        if (why == null || !seen.add(why)) {
            return;
        }
        StackTraceElement[] frames = why.getStackTrace();
        for (int i = 0; i < frames.length; i++) {
            if (frames[i].getClassName().startsWith(OURS)) {
                int end = i;
                while (end > 0 && REFLECTION.stream().anyMatch(frames[end - 1].getClassName()::startsWith)) {
                    end--;
                }
                why.setStackTrace(Arrays.copyOf(frames, end));
                break;
            }
        }
        cutOurFrames(why.getCause(), seen);
        for (Throwable each : why.getSuppressed()) {
            cutOurFrames(each, seen);
        }
    }
}
