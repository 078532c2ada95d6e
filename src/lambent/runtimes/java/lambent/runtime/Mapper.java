package lambent.runtime;

import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * What JsonReader has read, as values of the type that a handler wants: beans, records, maps, collections, enums, dates.
 *
 * <p>As Jackson in AWS's configuration does it: unknown members are ignored, unknown names of an enum are null, one value will do
 * for an array of one and an array of one for its value, an empty text or array is no bean. Annotations of the function's own libraries are not looked at.
 */
final class Mapper {
    private Mapper() {}

    /** `value` as a `type`. Throws IllegalArgumentException, or what a constructor or a setter throws. */
    static Object map(Object value, Type type) {
        return map(value, type, Map.of(), false);
    }

    private static Object map(Object value, Type wanted, Map<TypeVariable<?>, Type> bound, boolean event) {
        Type type = Reflection.resolved(wanted, bound);
        if (type instanceof GenericArrayType) {
            Type item = Reflection.resolved(((GenericArrayType) type).getGenericComponentType(), bound);
            Class<?> raw = item instanceof ParameterizedType ? (Class<?>) ((ParameterizedType) item).getRawType() : (Class<?>) item;
            return value == null ? null : array(value, raw, item, bound, event);
        }
        if (type instanceof ParameterizedType) {
            Class<?> raw = (Class<?>) ((ParameterizedType) type).getRawType();
            return ofClass(value, raw, Reflection.bindings(type, bound), event);
        }
        Class<?> raw = (Class<?>) type;
        boolean generic = raw.getTypeParameters().length == 0 && !raw.isPrimitive() && !raw.isArray();
        return ofClass(value, raw, generic && value != null ? bindingsOf(raw) : bound, event);
    }

    private static Map<TypeVariable<?>, Type> bindingsOf(Class<?> raw) {
        return raw.getName().startsWith("java.lang.") ? Map.of() : Reflection.bindings(raw, Map.of());
    }

    private static Object ofClass(Object value, Class<?> type, Map<TypeVariable<?>, Type> bound, boolean event) {
        if (type.isPrimitive()) {
            return primitive(value, type);
        }
        if (type == Optional.class) {
            return Optional.ofNullable(map(value, Optional.class.getTypeParameters()[0], bound, event));
        }
        if (value == null) {
            return type == OptionalInt.class || type == OptionalLong.class || type == OptionalDouble.class ? optional(null, type) : null;
        }
        if (type == Object.class || type == java.io.Serializable.class) {
            return value;
        }
        boolean several = Collection.class.isAssignableFrom(type) || type == Iterable.class || type.isArray();
        if (isNothing(value, several, type)) {
            return null;
        }
        if (several) {
            return type.isArray()
                    ? array(value, type.getComponentType(), type.getComponentType(), bound, event)
                    : collection(value, type, bound, event);
        }
        if (type == String.class || type == CharSequence.class) {
            return text(value);
        }
        if (Scalars.isBox(type)) {
            Object one = alone(value);
            return one == null ? null : type == Number.class ? number(one) : Scalars.box(one, type);
        }
        if (type.isEnum()) {
            return constant(value, type);
        }
        if (Map.class.isAssignableFrom(type)) {
            return mapOf(alone(value), type, bound, event);
        }
        return special(value, type, bound, event);
    }

    /** Whether it is a text without a letter where none is wanted, or an array without items. */
    private static boolean isNothing(Object value, boolean several, Class<?> type) {
        boolean ofText = CharSequence.class.isAssignableFrom(type) || type == char[].class || type == byte[].class;
        boolean blank = value instanceof String && ((String) value).isBlank() && !ofText && !Scalars.isBox(type) && !type.isEnum();
        return blank || !several && value instanceof List && ((List<?>) value).isEmpty();
    }

    private static Object special(Object value, Class<?> type, Map<TypeVariable<?>, Type> bound, boolean event) {
        if (type == ByteBuffer.class) {
            return ByteBuffer.wrap(bytes(value));
        }
        if (type == OptionalInt.class || type == OptionalLong.class || type == OptionalDouble.class) {
            return optional(value, type);
        }
        if (Times.isTime(type)) {
            return Times.read(value, type, event);
        }
        if (Scalars.isText(type)) {
            return Scalars.ofText(text(value), type);
        }
        Object one = alone(value);
        if (!(one instanceof Map)) {
            throw Scalars.wrong(one, type);
        }
        List<Reflection.Component> components = Reflection.components(type);
        if (components != null) {
            return record((Map<?, ?>) one, type, components, bound);
        }
        return bean((Map<?, ?>) one, type, bound);
    }

    private static Object primitive(Object value, Class<?> type) {
        Class<?> box = Array.get(Array.newInstance(type, 1), 0).getClass();
        Object one = alone(value);
        Object boxed = one == null || isNothing(one, false, box) ? null : Scalars.box(one, box);
        return boxed == null ? Array.get(Array.newInstance(type, 1), 0) : boxed;
    }

    private static Object number(Object value) {
        return value instanceof Number ? value : Scalars.box(value, java.math.BigDecimal.class);
    }

    private static String text(Object value) {
        Object one = alone(value);
        if (one instanceof Map || one instanceof List) {
            throw Scalars.wrong(one, String.class);
        }
        return String.valueOf(one);
    }

    /** An array of one is its value. */
    private static Object alone(Object value) {
        return value instanceof List && ((List<?>) value).size() == 1 ? ((List<?>) value).get(0) : value;
    }

    private static Object constant(Object value, Class<?> type) {
        Object[] constants = type.getEnumConstants();
        Object one = alone(value);
        if (one instanceof Integer) {
            int ordinal = (Integer) one;
            return ordinal >= 0 && ordinal < constants.length ? constants[ordinal] : null;
        }
        for (Object each : constants) {
            if (((Enum<?>) each).name().equals(one)) {
                return each;
            }
        }
        if (!(one instanceof String)) {
            throw Scalars.wrong(one, type);
        }
        return null;
    }

    private static Object optional(Object value, Class<?> type) {
        if (type == OptionalInt.class) {
            return value == null ? OptionalInt.empty() : OptionalInt.of((Integer) Scalars.box(value, Integer.class));
        } else if (type == OptionalLong.class) {
            return value == null ? OptionalLong.empty() : OptionalLong.of((Long) Scalars.box(value, Long.class));
        }
        return value == null ? OptionalDouble.empty() : OptionalDouble.of((Double) Scalars.box(value, Double.class));
    }

    private static byte[] bytes(Object value) {
        return Base64.getDecoder().decode(text(value));
    }

    @SuppressWarnings("unchecked")
    private static Object mapOf(Object value, Class<?> type, Map<TypeVariable<?>, Type> bound, boolean event) {
        if (!(value instanceof Map)) {
            throw Scalars.wrong(value, type);
        }
        Type keys = Reflection.resolved(Map.class.getTypeParameters()[0], bound);
        Type values = Reflection.resolved(Map.class.getTypeParameters()[1], bound);
        Map<Object, Object> made = (Map<Object, Object>) Containers.empty(type, keys);
        ((Map<?, ?>) value)
                .forEach(
                        (name, member) -> {
                            Object key = map(name, keys, bound, event);
                            if (key != null || !(made instanceof EnumMap)) {
                                made.put(key, map(member, values, bound, event));
                            }
                        });
        return made;
    }

    @SuppressWarnings("unchecked")
    private static Object collection(Object value, Class<?> type, Map<TypeVariable<?>, Type> bound, boolean event) {
        Type item = Reflection.resolved((type == Iterable.class ? Iterable.class : Collection.class).getTypeParameters()[0], bound);
        Collection<Object> made = (Collection<Object>) Containers.empty(type, item);
        for (Object each : value instanceof List ? (List<?>) value : List.of(value)) {
            made.add(map(each, item, bound, event));
        }
        return made;
    }

    private static Object array(Object value, Class<?> raw, Type item, Map<TypeVariable<?>, Type> bound, boolean event) {
        if (value instanceof String && raw == byte.class) {
            return bytes(value);
        }
        if (value instanceof String && raw == char.class) {
            return ((String) value).toCharArray();
        }
        List<?> items = value instanceof List ? (List<?>) value : List.of(value);
        Object made = Array.newInstance(raw, items.size());
        for (int i = 0; i < items.size(); i++) {
            Array.set(made, i, map(items.get(i), item, bound, event));
        }
        return made;
    }

    private static Object record(
            Map<?, ?> members, Class<?> type, List<Reflection.Component> components, Map<TypeVariable<?>, Type> bound) {
        Object[] given =
                components.stream().map(each -> map(members.get(each.field.getName()), each.field.getGenericType(), bound, false)).toArray();
        try {
            return Reflection.constructorOf(type, components).newInstance(given);
        } catch (ReflectiveOperationException error) {
            throw Reflection.asThrown(error);
        }
    }

    private static Object bean(Map<?, ?> members, Class<?> type, Map<TypeVariable<?>, Type> bound) {
        boolean event = Properties.isEvent(type);
        Object bean = event ? immutable(members, type, bound) : null;
        if (bean != null) {
            return bean;
        }
        return filled(instance(type, null), members, bound);
    }

    private static Object filled(Object bean, Map<?, ?> members, Map<TypeVariable<?>, Type> bound) {
        Properties properties = Properties.of(bean.getClass());
        for (Map.Entry<?, ?> each : members.entrySet()) {
            Properties.Property property = properties.find((String) each.getKey());
            if (property != null && property.type() != null) {
                Type type = property.type();
                boolean inner = isInner(type, bean.getClass()) && each.getValue() instanceof Map;
                Object value =
                        inner
                                ? filled(instance((Class<?>) type, bean), (Map<?, ?>) each.getValue(), bound)
                                : map(each.getValue(), type, bound, properties.event);
                property.set(bean, value);
            }
        }
        return bean;
    }

    /** Whether its objects belong to one of `outer`. */
    private static boolean isInner(Type type, Class<?> outer) {
        return type instanceof Class && ((Class<?>) type).getEnclosingClass() == outer && !Modifier.isStatic(((Class<?>) type).getModifiers());
    }

    /** A new one; `outer` is the object that it belongs to, null for one that stands alone. */
    private static Object instance(Class<?> type, Object outer) {
        try {
            if (outer != null) {
                Constructor<?> constructor = type.getDeclaredConstructor(outer.getClass());
                constructor.setAccessible(true);
                return constructor.newInstance(outer);
            }
            if (type.isInterface() || Modifier.isAbstract(type.getModifiers())) {
                throw new NoSuchMethodException();
            }
            Constructor<?> constructor = type.getDeclaredConstructor();
            constructor.setAccessible(true);
            return constructor.newInstance();
        } catch (NoSuchMethodException error) {
            throw new IllegalArgumentException(
                    "Cannot construct instance of `" + type.getName() + "`: it has no constructor without parameters");
        } catch (ReflectiveOperationException error) {
            throw Reflection.asThrown(error);
        }
    }

    /** One of the event classes that are made by a constructor of all fields in their order (S3); null for another. */
    private static Object immutable(Map<?, ?> members, Class<?> type, Map<TypeVariable<?>, Type> bound) {
        List<Field> fields = instanceFields(type);
        for (Constructor<?> each : type.getConstructors()) {
            if (!fields.isEmpty() && each.getParameterCount() == fields.size() && fields.stream().anyMatch(Mapper::isFinal)) {
                Object[] given = new Object[fields.size()];
                for (int i = 0; i < given.length; i++) {
                    String name = Properties.folded(fields.get(i).getName());
                    Object member = null;
                    for (Map.Entry<?, ?> told : members.entrySet()) {
                        member = Properties.folded((String) told.getKey()).equals(name) ? told.getValue() : member;
                    }
                    given[i] = map(member, each.getGenericParameterTypes()[i], bound, true);
                }
                try {
                    return each.newInstance(given);
                } catch (ReflectiveOperationException error) {
                    throw Reflection.asThrown(error);
                }
            }
        }
        return null;
    }

    private static boolean isFinal(Field field) {
        return Modifier.isFinal(field.getModifiers());
    }

    private static List<Field> instanceFields(Class<?> type) {
        List<Field> found = new ArrayList<>();
        for (Class<?> each = type; each != null && each != Object.class; each = each.getSuperclass()) {
            List<Field> own = new ArrayList<>();
            for (Field field : each.getDeclaredFields()) {
                if (!Modifier.isStatic(field.getModifiers())) {
                    own.add(field);
                }
            }
            found.addAll(0, own);
        }
        return found;
    }
}
