package lambent.runtime;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The runtime's end of the channel: whole frames in, whole frames out, on an inherited socket.
 *
 * <p>The form of a frame is told in lambent/environment/api.py. A write and a read of a file descriptor are what a socket
 * understands too, so that no network class of the JDK is loaded.
 */
final class Channel {
    static final int READY = 16;
    static final int INIT_ERROR = 17;
    static final int RESPONSE = 18;
    static final int ERROR = 19;
    static final int FATAL = 22;

    private static final int INVOKE = 1;
    private static final int LENGTH_BYTES = 4;
    private static final int COUNTED_HEADER_BYTES = 3; // what the length counts besides meta and payload
    private static final int CONTEXT_FIELD = 4;
    private static final int FIRST_ROOM_BYTES = 8192; // FileInputStream reads up to that without asking for memory

    private final FileInputStream input;
    private final FileOutputStream output;
    private byte[] held = new byte[FIRST_ROOM_BYTES];
    private int heldBytes;

    Channel(FileDescriptor descriptor) {
        input = new FileInputStream(descriptor);
        output = new FileOutputStream(descriptor);
    }

    /** The file descriptor of that number, which this process has inherited. */
    static FileDescriptor inherited(int number) throws ReflectiveOperationException {
        Constructor<FileDescriptor> constructor = FileDescriptor.class.getDeclaredConstructor(int.class);
        constructor.setAccessible(true);
        return constructor.newInstance(number);
    }

    /** The next invocation; null when the platform has hung up. */
    Invocation next() throws IOException {
        if (!hold(LENGTH_BYTES + COUNTED_HEADER_BYTES)) {
            return null;
        }
        int frameBytes = LENGTH_BYTES + number(0, LENGTH_BYTES);
        int metaEnd = LENGTH_BYTES + COUNTED_HEADER_BYTES + number(LENGTH_BYTES + 1, 2);
        if (held[LENGTH_BYTES] != INVOKE || metaEnd > frameBytes) {
            throw new IOException("what the platform never sends");
        }
        if (!hold(frameBytes)) {
            return null;
        }
        int metaStart = LENGTH_BYTES + COUNTED_HEADER_BYTES;
        String meta = new String(held, metaStart, metaEnd - metaStart, StandardCharsets.UTF_8);
        byte[] payload = Arrays.copyOfRange(held, metaEnd, frameBytes);
        System.arraycopy(held, frameBytes, held, 0, heldBytes - frameBytes);
        heldBytes -= frameBytes;
        if (heldBytes == 0 && held.length > FIRST_ROOM_BYTES) {
            held = new byte[FIRST_ROOM_BYTES];
        }
        String[] fields = meta.split("\0", CONTEXT_FIELD + 1);
        return new Invocation(fields[0], Long.parseLong(fields[1]), fields[2], fields[3], fields[CONTEXT_FIELD], payload);
    }

    /** Send one frame. */
    void send(int kind, String meta, byte[] payload, int payloadBytes) throws IOException {
        byte[] told = meta.getBytes(StandardCharsets.UTF_8);
        int counted = COUNTED_HEADER_BYTES + told.length + payloadBytes;
        byte[] frame = new byte[LENGTH_BYTES + counted];
        frame[0] = (byte) (counted >>> 24);
        frame[1] = (byte) (counted >>> 16);
        frame[2] = (byte) (counted >>> 8);
        frame[3] = (byte) counted;
        frame[LENGTH_BYTES] = (byte) kind;
        frame[LENGTH_BYTES + 1] = (byte) (told.length >>> 8);
        frame[LENGTH_BYTES + 2] = (byte) told.length;
        System.arraycopy(told, 0, frame, LENGTH_BYTES + COUNTED_HEADER_BYTES, told.length);
        System.arraycopy(payload, 0, frame, frame.length - payloadBytes, payloadBytes);
        output.write(frame);
    }

    private boolean hold(int neededBytes) throws IOException {
        if (held.length < neededBytes) {
            held = Arrays.copyOf(held, neededBytes);
        }
        while (heldBytes < neededBytes) {
            int read = input.read(held, heldBytes, held.length - heldBytes);
            if (read < 0) {
                return false;
            }
            heldBytes += read;
        }
        return true;
    }

    private int number(int at, int bytes) {
        int value = 0;
        for (int i = at; i < at + bytes; i++) {
            value = value << 8 | held[i] & 0xff;
        }
        return value;
    }

    /** One invocation as it comes. */
    static final class Invocation {
        final String requestId;
        final long deadlineMs;
        final String arn;
        final String trace;
        final String clientContext;
        final byte[] payload;

        Invocation(String requestId, long deadlineMs, String arn, String trace, String clientContext, byte[] payload) {
            this.requestId = requestId;
            this.deadlineMs = deadlineMs;
            this.arn = arn;
            this.trace = trace;
            this.clientContext = clientContext;
            this.payload = payload;
        }
    }
}
