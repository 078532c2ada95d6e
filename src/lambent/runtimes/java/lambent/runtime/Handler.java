package lambent.runtime;

import com.amazonaws.services.lambda.runtime.Context;
import java.io.ByteArrayOutputStream;

/** A function's handler, whatever its form: an event's bytes in, an answer's bytes out. */
interface Handler {
    /** Serve one event. Throws Fault for what the runtime has found, all else is the function's. */
    void serve(byte[] event, ByteArrayOutputStream answer, Context context) throws Throwable;
}
