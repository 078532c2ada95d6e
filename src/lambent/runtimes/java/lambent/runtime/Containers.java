package lambent.runtime;

import java.lang.reflect.Constructor;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.Supplier;

/** Empty maps and collections of the kind that a handler asks for. */
final class Containers {
    /** Of an interface, the first that will do. */
    private static final List<Map.Entry<Class<?>, Supplier<Object>>> KINDS =
            List.of(
                    Map.entry(ArrayList.class, ArrayList::new),
                    Map.entry(LinkedHashMap.class, LinkedHashMap::new),
                    Map.entry(HashSet.class, HashSet::new),
                    Map.entry(TreeMap.class, TreeMap::new),
                    Map.entry(TreeSet.class, TreeSet::new),
                    Map.entry(LinkedList.class, LinkedList::new),
                    Map.entry(ConcurrentHashMap.class, ConcurrentHashMap::new));

    private Containers() {}

    /** An empty `type`; `item`: what its keys or items are. Throws IllegalArgumentException. */
    @SuppressWarnings({"unchecked", "rawtypes"})
    static Object empty(Class<?> type, Type item) {
        if (type == EnumMap.class) {
            return new EnumMap((Class) item);
        }
        if (type == ConcurrentMap.class) {
            return new ConcurrentHashMap<>();
        }
        if (!type.isInterface() && !Modifier.isAbstract(type.getModifiers())) {
            return own(type);
        }
        for (Map.Entry<Class<?>, Supplier<Object>> each : KINDS) {
            if (type.isAssignableFrom(each.getKey())) {
                return each.getValue().get();
            }
        }
        throw new IllegalArgumentException("Cannot construct instance of `" + type.getName() + "`");
    }

    private static Object own(Class<?> type) {
        try {
            Constructor<?> constructor = type.getConstructor();
            return constructor.newInstance();
        } catch (NoSuchMethodException error) {
            throw new IllegalArgumentException("Cannot construct instance of `" + type.getName() + "`");
        } catch (ReflectiveOperationException error) {
            throw Reflection.asThrown(error);
        }
    }
}
