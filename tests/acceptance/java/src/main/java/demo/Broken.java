package demo;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.util.Map;

/** Handlers that cannot be made. */
public class Broken {
    public static class Static {
        static final int NUMBER = Integer.parseInt("none");

        public String handle(String event) { return event; }
    }

    public static class Constructed implements RequestHandler<Map<String, Object>, String> {
        public Constructed() { throw new IllegalStateException("no database"); }

        @Override
        public String handleRequest(Map<String, Object> event, Context context) { return ""; }
    }

    public static class Private {
        private Private() {}

        public String handle(String event) { return event; }
    }
}
