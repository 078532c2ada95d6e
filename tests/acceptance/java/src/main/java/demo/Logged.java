package demo;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/** A stream handler that logs with log4j2. */
public class Logged implements RequestStreamHandler {
    private static final Logger LOG = LogManager.getLogger(Logged.class);

    @Override
    public void handleRequest(InputStream input, OutputStream output, Context context) throws IOException {
        LOG.info("received {} bytes", input.available());
        LOG.debug("not shown");
        LOG.error("failed", new IllegalStateException("for the log"));
        input.transferTo(output);
    }
}
