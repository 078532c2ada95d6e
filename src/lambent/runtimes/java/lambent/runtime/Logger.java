package lambent.runtime;

import com.amazonaws.services.lambda.runtime.LambdaLogger;
import com.amazonaws.services.lambda.runtime.logging.LogFormat;
import com.amazonaws.services.lambda.runtime.logging.LogLevel;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * LambdaLogger: one call is one log event, however many lines it has.
 *
 * <p>An event goes out in a single write that begins with NUL and has its newlines as NUL (lambent/environment/api.py). Levels
 * count only where one is given, and the JSON form is for text with or without one, as AWS's runtime client has it.
 *
 * <p>Source: Lambda Developer Guide, "Log and monitor Java Lambda functions".
 */
class Logger implements LambdaLogger {
    private final FileOutputStream output = new FileOutputStream(FileDescriptor.out);
    private final LogFormat format;
    private final LogLevel least;
    private volatile String requestId;

    Logger(LogFormat format, LogLevel least) {
        this.format = format;
        this.least = least;
    }

    /** Whose lines the next ones are. */
    void attend(String id) {
        requestId = id;
    }

    /** The runtime's own word on an error. */
    void error(String text) {
        log(text, format == LogFormat.JSON ? LogLevel.ERROR : LogLevel.UNDEFINED);
    }

    @Override
    public void log(String message) {
        log(message, LogLevel.UNDEFINED);
    }

    @Override
    public void log(byte[] message) {
        log(message, LogLevel.UNDEFINED);
    }

    @Override
    public void log(String message, LogLevel level) {
        if (shown(level)) {
            write(formatted(String.valueOf(message), level).getBytes(StandardCharsets.UTF_8));
        }
    }

    @Override
    public void log(byte[] message, LogLevel level) {
        if (shown(level)) {
            write(message == null ? "null".getBytes(StandardCharsets.UTF_8) : message);
        }
    }

    private boolean shown(LogLevel level) {
        return level == LogLevel.UNDEFINED || level.compareTo(least) >= 0;
    }

    private String formatted(String message, LogLevel level) {
        if (format == LogFormat.JSON) {
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("timestamp", Instant.now().truncatedTo(ChronoUnit.MILLIS).toString());
            line.put("message", message);
            line.put("level", level.name());
            if (requestId != null) {
                line.put("AWSRequestId", requestId);
            }
            return JsonWriter.text(line);
        }
        return level == LogLevel.UNDEFINED ? message : "[" + level + "] " + message;
    }

    private void write(byte[] message) {
        int end = message.length;
        while (end > 0 && message[end - 1] == '\n') {
            end--;
        }
        byte[] event = new byte[end + 2];
        for (int i = 0; i < end; i++) {
            event[i + 1] = message[i] == '\n' ? 0 : message[i];
        }
        event[end + 1] = '\n';
        synchronized (output) {
            try {
                output.write(event);
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        }
    }
}
