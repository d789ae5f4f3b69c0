package dev.libretto.cli;

import dev.libretto.device.Halt;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;

/**
 * Ctrl-C and SIGTERM as a question that training asks after each batch. A second signal ends the process at once.
 *
 * <p>Handlers can only be set through {@code sun.misc.Signal}, whose use in source is a warning that nothing turns off, so
 * it is called by reflection.
 */
final class StopSignal implements AutoCloseable {
    private static final int SIGINT = 2;
    private static final int SIGTERM = 15;

    private final Halt halt = new Halt();
    private final Runnable onFirst;
    private volatile int exitCode;
    private final Object[] handlersBefore;

    /** @param onFirst what is done when the first signal comes */
    StopSignal(Runnable onFirst) {
        this.onFirst = onFirst;
        handlersBefore = new Object[] {handle(SIGINT, handler(SIGINT)), handle(SIGTERM, handler(SIGTERM))};
    }

    /** Whether one of the signals came. */
    boolean isRequested() {
        return exitCode != 0;
    }

    /** 128 and the number of the signal that came; 0 if none did. */
    int exitCode() {
        return exitCode;
    }

    private void request(int number) {
        if (isRequested()) {
            halt.now(128 + number);
        }
        exitCode = 128 + number;
        onFirst.run();
    }

    private Object handler(int number) {
        InvocationHandler invocation = (proxy, method, arguments) -> switch (method.getName()) {
            case "handle" -> {
                request(number);
                yield null;
            }
            case "hashCode" -> number;
            case "equals" -> proxy == arguments[0];
            default -> "stop on signal " + number;
        };
        return Proxy.newProxyInstance(
                StopSignal.class.getClassLoader(), new Class<?>[] {type("sun.misc.SignalHandler")}, invocation);
    }

    /** Sets a signal's handler and returns the one before. */
    private static Object handle(int number, Object handler) {
        Class<?> signal = type("sun.misc.Signal");
        try {
            Object named = signal.getConstructor(String.class).newInstance(number == SIGINT ? "INT" : "TERM");
            return signal.getMethod("handle", signal, type("sun.misc.SignalHandler"))
                    .invoke(null, named, handler);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError("every JDK from 9 on has sun.misc.Signal", e);
        }
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
        handle(SIGINT, handlersBefore[0]);
        handle(SIGTERM, handlersBefore[1]);
    }
}
