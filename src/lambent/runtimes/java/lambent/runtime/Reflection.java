package lambent.runtime;

import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Types with what their variables stand for, records (which Java 11 does not know), and what reflection throws. */
final class Reflection {
    private Reflection() {}

    /** Throw what the called method has thrown, checked or not. */
    static RuntimeException asThrown(ReflectiveOperationException error) {
        boolean wrapped = error instanceof InvocationTargetException && error.getCause() != null;
        return Reflection.<RuntimeException>thrown(wrapped ? error.getCause() : error);
    }

    @SuppressWarnings("unchecked")
    private static <T extends Throwable> RuntimeException thrown(Throwable error) throws T {
        throw (T) error;
    }

    /** A type with its variables replaced by what they stand for, or by their bounds. */
    static Type resolved(Type type, Map<TypeVariable<?>, Type> bound) {
        if (type instanceof TypeVariable) {
            Type known = bound.get(type);
            return known == null ? resolved(((TypeVariable<?>) type).getBounds()[0], Map.of()) : known;
        }
        return type instanceof WildcardType ? resolved(((WildcardType) type).getUpperBounds()[0], bound) : type;
    }

    /** What the variables of a type and of all that it extends and implements stand for. */
    static Map<TypeVariable<?>, Type> bindings(Type type, Map<TypeVariable<?>, Type> outer) {
        Map<TypeVariable<?>, Type> bound = new HashMap<>(outer);
        bind(type, bound);
        return bound;
    }

    private static void bind(Type type, Map<TypeVariable<?>, Type> bound) {
        if (type instanceof ParameterizedType) {
            ParameterizedType given = (ParameterizedType) type;
            TypeVariable<?>[] variables = ((Class<?>) given.getRawType()).getTypeParameters();
            for (int i = 0; i < variables.length; i++) {
                bound.put(variables[i], resolved(given.getActualTypeArguments()[i], bound));
            }
        }
        Class<?> raw = type instanceof ParameterizedType ? (Class<?>) ((ParameterizedType) type).getRawType() : (Class<?>) type;
        if (raw.getGenericSuperclass() != null) {
            bind(raw.getGenericSuperclass(), bound);
        }
        for (Type each : raw.getGenericInterfaces()) {
            bind(each, bound);
        }
    }

    /** The components of a record, in order; null for what is none. */
    static List<Component> components(Class<?> type) {
        if (type.getSuperclass() == null || !type.getSuperclass().getName().equals("java.lang.Record")) {
            return null;
        }
        List<Component> found = new ArrayList<>();
        for (Field field : type.getDeclaredFields()) {
            if (!Modifier.isStatic(field.getModifiers())) {
                try {
                    Method accessor = type.getDeclaredMethod(field.getName());
                    accessor.setAccessible(true);
                    found.add(new Component(field, accessor));
                } catch (NoSuchMethodException impossible) {
                    throw new IllegalStateException(impossible);
                }
            }
        }
        return found;
    }

    /** The constructor that takes all these, in their order. */
    static Constructor<?> constructorOf(Class<?> type, List<Component> components) throws NoSuchMethodException {
        Class<?>[] types = components.stream().map(each -> each.field.getType()).toArray(Class<?>[]::new);
        Constructor<?> constructor = type.getDeclaredConstructor(types);
        constructor.setAccessible(true);
        return constructor;
    }

    /** One component of a record. */
    static final class Component {
        final Field field;
        final Method accessor;

        Component(Field field, Method accessor) {
            this.field = field;
            this.accessor = accessor;
        }
    }
}
