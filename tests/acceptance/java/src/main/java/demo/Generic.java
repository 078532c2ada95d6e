package demo;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A handler whose types are known only from what it extends. */
public class Generic extends Base<Generic.Order, Generic.Box<Generic.Order>> {
    public static class Box<T> {
        private final T content;

        Box(T content) { this.content = content; }

        public T getContent() { return content; }

        public boolean isFull() { return content != null; }

        public String getURL() { return "https://example.com"; }
    }

    public static class Order {
        public Optional<String> note = Optional.empty();
        public Instant at;
        public LocalDate day;
        public Date made;
        public Map<String, List<Integer>> parts;
        public Set<Character> marks;
        public byte[] raw;
        public long[] counts;
        public Object any;
        public String absent;
    }

    @Override
    public Box<Order> handleRequest(Order order, Context context) {
        return new Box<>(order);
    }
}

abstract class Base<E, A> implements RequestHandler<E, A> {}
