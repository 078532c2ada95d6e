package lambent.runtime;

import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What of a bean can be read and written: public getters, setters and public fields, named as JavaBeans has it.
 *
 * <p>AWS's event classes are not named as their JSON is (Records, eventSourceARN, detail-type): their properties are found in
 * whatever case, and written in the case that the services use. Looked at once for each class.
 */
final class Properties {
    private static final String EVENTS = "com.amazonaws.services.lambda.runtime.events.";
    private static final String OLD_EVENTS = "com.amazonaws.services.s3.event.";
    private static final List<String> CAPITALISED =
            List.of("SNSEvent", "AttributeValue", "dynamodb.StreamRecord", "ConnectEvent", "CloudFormationCustomResource",
                    "SecretsManagerRotation");
    private static final String WITH_RECORDS =
            "(CloudFront|CodeCommit|Dynamodb|DynamodbTimeWindow|Kinesis|KinesisTimeWindow|SNS|SQS|S3)Event|S3EventNotification";
    private static final String WITH_SOURCE_ARN = "(CodeCommit|Dynamodb|DynamodbTimeWindow|Kinesis|KinesisTimeWindow|SQS)Event.*";
    private static final Map<String, String> WRITTEN =
            Map.ofEntries(
                    Map.entry("SNSEvent$SNSRecord.SNS", "Sns"),
                    Map.entry("ScheduledEvent.detailType", "detail-type"),
                    Map.entry("CloudFormationCustomResourceEvent.responseUrl", "ResponseURL"),
                    Map.entry("CloudWatchLogsEvent.awsLogs", "awslogs"),
                    Map.entry("CodeCommitEvent$Record.codeCommit", "codecommit"),
                    Map.entry("CodeCommitEvent$Record.userIdentityArn", "userIdentityARN"),
                    Map.entry("ConnectEvent$ContactData.instanceArn", "InstanceARN"),
                    Map.entry("S3EventNotification$ResponseElementsEntity.xAmzId2", "x-amz-id-2"),
                    Map.entry("S3EventNotification$ResponseElementsEntity.xAmzRequestId", "x-amz-request-id"));
    private static final String SIZE_AGAIN = "sizeAsLong"; // a second getter of an S3 object's size
    private static final ClassValue<Properties> ALL =
            new ClassValue<>() {
                @Override
                protected Properties computeValue(Class<?> type) {
                    return new Properties(type);
                }
            };

    /** Whether the class is one of AWS's event classes. */
    final boolean event;

    private final Map<String, Property> byName = new LinkedHashMap<>();
    private final List<Property> readable = new ArrayList<>();

    private Properties(Class<?> type) {
        event = isEvent(type);
        fields(type, false);
        for (Method method : type.getMethods()) {
            if (!Modifier.isStatic(method.getModifiers()) && !method.isBridge() && method.getDeclaringClass() != Object.class) {
                consider(method);
            }
        }
        List<Reflection.Component> components = Reflection.components(type);
        for (Reflection.Component each : components == null ? List.<Reflection.Component>of() : components) {
            named(each.field.getName()).getter = each.accessor;
        }
        byName.values().removeIf(each -> each.field == null && each.getter == null && each.setter == null);
        for (Property each : byName.values()) {
            each.writtenName = written(each.writtenName, type);
            if ((each.getter != null || each.field != null) && !(event && each.writtenName.equals(SIZE_AGAIN))) {
                readable.add(each);
            }
        }
        if (event) {
            new ArrayList<>(byName.entrySet()).forEach(each -> byName.putIfAbsent(folded(each.getKey()), each.getValue()));
        }
    }

    static Properties of(Class<?> type) {
        return ALL.get(type);
    }

    /** Whether this is one of AWS's event classes, or part of one. */
    static boolean isEvent(Class<?> type) {
        return type.getName().startsWith(EVENTS) || type.getName().startsWith(OLD_EVENTS);
    }

    /** A name of an event's JSON without what its Java name may lack. */
    static String folded(String name) {
        return name.replace("-", "").toLowerCase(Locale.ROOT);
    }

    List<Property> readable() {
        return readable;
    }

    /** The property that a member of a JSON object sets; null when there is none. */
    Property find(String name) {
        Property found = byName.get(name);
        return found == null && event ? byName.get(folded(name)) : found;
    }

    private void fields(Class<?> type, boolean inherited) {
        if (type == null || type == Object.class) {
            return;
        }
        fields(type.getSuperclass(), true);
        for (Field field : type.getDeclaredFields()) {
            if (!Modifier.isStatic(field.getModifiers()) && !field.isSynthetic()) {
                Property property = named(field.getName()); // also a private one: its place is its order
                if (Modifier.isPublic(field.getModifiers()) && !Modifier.isTransient(field.getModifiers())) {
                    field.setAccessible(true);
                    property.field = field;
                }
            }
        }
    }

    private void consider(Method method) {
        String name = method.getName();
        int parameters = method.getParameterCount();
        if (parameters == 0 && name.length() > 3 && name.startsWith("get") && method.getReturnType() != void.class) {
            getter(named(decapitalised(name.substring(3))), method);
        } else if (parameters == 0 && name.length() > 2 && name.startsWith("is") && isBoolean(method.getReturnType())) {
            getter(named(decapitalised(name.substring(2))), method);
        } else if (parameters == 1 && name.length() > 3 && name.startsWith("set")) {
            setter(named(decapitalised(name.substring(3))), method);
        }
    }

    private static void getter(Property property, Method method) {
        if (property.getter == null || method.getName().startsWith("get")) {
            method.setAccessible(true);
            property.getter = method;
        }
    }

    /** Of several setters the one that takes what the getter gives, or a collection. */
    private static void setter(Property property, Method method) {
        Class<?> type = method.getParameterTypes()[0];
        boolean better = Collection.class.isAssignableFrom(type) || property.field != null && property.field.getType() == type;
        if (property.setter == null || better || property.getter != null && property.getter.getReturnType() == type) {
            method.setAccessible(true);
            property.setter = method;
        }
    }

    private static boolean isBoolean(Class<?> type) {
        return type == boolean.class || type == Boolean.class;
    }

    private Property named(String name) {
        return byName.computeIfAbsent(name, Property::new);
    }

    /** As JavaBeans has it: "URL" stays, "Name" is "name". */
    private static String decapitalised(String name) {
        if (name.length() > 1 && Character.isUpperCase(name.charAt(0)) && Character.isUpperCase(name.charAt(1))) {
            return name;
        }
        return Character.toLowerCase(name.charAt(0)) + name.substring(1);
    }

    private String written(String name, Class<?> type) {
        if (!event) {
            return name;
        }
        String simple = type.getName().substring(type.getName().lastIndexOf('.') + 1);
        String known = WRITTEN.get(simple + "." + name);
        if (known != null) {
            return known;
        } else if (name.equals("records")) {
            return simple.matches(WITH_RECORDS) ? "Records" : name;
        } else if (name.equals("eventSourceArn")) {
            return simple.matches(WITH_SOURCE_ARN) ? "eventSourceARN" : name;
        }
        boolean capitalised = CAPITALISED.stream().anyMatch(type.getName()::contains);
        return capitalised ? Character.toUpperCase(name.charAt(0)) + name.substring(1) : name;
    }

    /** One property. */
    static final class Property {
        String writtenName;
        private Field field;
        private Method getter;
        private Method setter;

        Property(String name) {
            writtenName = name;
        }

        /** What it is to be set to; null when it cannot be set. */
        Type type() {
            if (setter != null) {
                return setter.getGenericParameterTypes()[0];
            }
            return field == null ? null : field.getGenericType();
        }

        Object read(Object bean) {
            try {
                return getter != null ? getter.invoke(bean) : field.get(bean);
            } catch (ReflectiveOperationException error) {
                throw Reflection.asThrown(error);
            }
        }

        void set(Object bean, Object value) {
            try {
                if (setter != null) {
                    setter.invoke(bean, value);
                } else {
                    field.set(bean, value);
                }
            } catch (ReflectiveOperationException error) {
                throw Reflection.asThrown(error);
            }
        }
    }
}
