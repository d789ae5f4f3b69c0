package dev.libretto.cli;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.IntConsumer;

/**
 * Handles the signals that ask a process to end: Ctrl-C, SIGTERM and, when the terminal closes, SIGHUP. One that is ignored,
 * as SIGHUP is under {@code nohup}, stays ignored; Java sees to that. One that the system lacks is left out.
 *
 * <p>Handlers can only be set through {@code sun.misc.Signal}, whose use in source is a warning that cannot be suppressed, so
 * it is called by reflection.
 */
final class Signals implements AutoCloseable {
    private static final Map<String, Integer> ENDING = Map.of("HUP", 1, "INT", 2, "TERM", 15);

    private final Map<String, Object> handlersBefore = new LinkedHashMap<>();

    private Signals() {}

    /** Calls a handler with the number of each signal that arrives, in a thread of its own, until this is closed. */
    static Signals handledBy(IntConsumer handler) {
        return of(ENDING, handler);
    }

    /** @param numbers the number of each signal by its name */
    static Signals of(Map<String, Integer> numbers, IntConsumer handler) {
        Signals signals = new Signals();
        numbers.forEach((name, number) -> signals.handle(name, proxy(number, handler)));
        return signals;
    }

    private void handle(String name, Object handler) {
        Class<?> type = type("sun.misc.Signal");
        try {
            Object signal = type.getConstructor(String.class).newInstance(name);
            handlersBefore.put(
                    name,
                    type.getMethod("handle", type, type("sun.misc.SignalHandler"))
                            .invoke(null, signal, handler));
        } catch (InvocationTargetException e) {
            if (!(e.getCause() instanceof IllegalArgumentException)) {
                throw new AssertionError("a signal's handler can be set", e);
            }
            // The system has no such signal, or Java was told to leave signals alone (-Xrs).
            return;
        } catch (ReflectiveOperationException e) {
            throw new AssertionError("every JDK from 9 on has sun.misc.Signal", e);
        }
    }

    private static Object proxy(int number, IntConsumer handler) {
        InvocationHandler invocation = (proxy, method, arguments) -> switch (method.getName()) {
            case "handle" -> {
                handler.accept(number);
                yield null;
            }
            case "hashCode" -> number;
            case "equals" -> proxy == arguments[0];
            default -> "handler of signal " + number;
        };
        return Proxy.newProxyInstance(
                Signals.class.getClassLoader(), new Class<?>[] {type("sun.misc.SignalHandler")}, invocation);
    }

    private static Class<?> type(String name) {
        try {
            return Class.forName(name);
        } catch (ClassNotFoundException e) {
            throw new AssertionError("every JDK from 9 on has " + name, e);
        }
    }

    @Override
    public void close() {
        Map.copyOf(handlersBefore).forEach(this::handle);
    }
}
