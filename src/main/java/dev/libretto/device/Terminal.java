package dev.libretto.device;

import com.sun.jna.Memory;
import com.sun.jna.NativeLong;
import com.sun.jna.Platform;

/** The terminal or pipe behind stdout and stderr. */
public final class Terminal {
    /** Null if JNA's library cannot be unpacked. */
    private static final LibC LIBC = LibC.load();

    private static final int STDIN = 0;
    private static final int STDOUT = 1;
    private static final int STDERR = 2;
    private static final int DEFAULT_WIDTH = 80;
    private static final int POLLERR = 8;
    private static final int POLLHUP = 16;

    private Terminal() {}

    /** Returns whether stdout and stderr are both a terminal that can redraw a line. */
    public static boolean isPresent() {
        return isStdout() && isStderr() && canRedraw(System.getenv("TERM"));
    }

    /** @param type the value of TERM, or null; a dumb terminal shows escape sequences as text */
    static boolean canRedraw(String type) {
        return !"dumb".equals(type);
    }

    public static boolean isStdin() {
        return isTerminal(STDIN);
    }

    public static boolean isStdout() {
        return isTerminal(STDOUT);
    }

    public static boolean isStderr() {
        return isTerminal(STDERR);
    }

    private static boolean isTerminal(int descriptor) {
        return LIBC != null && LIBC.isatty(descriptor) == 1;
    }

    /**
     * Returns whether stdout is a pipe whose reader has exited, as {@code head} does once it has read enough. The message of
     * an exception does not tell, since the C library translates it.
     */
    public static boolean isStdoutClosed() {
        // struct pollfd: descriptor, requested events and returned events, of 32, 16 and 16 bits.
        if (LIBC == null) {
            return false;
        }
        try (Memory pollfd = new Memory(8)) {
            pollfd.clear();
            pollfd.setInt(0, STDOUT);
            LIBC.poll(pollfd, new NativeLong(1), 0);
            return (pollfd.getShort(6) & (POLLERR | POLLHUP)) != 0;
        }
    }

    /** Returns the number of columns of the terminal, or 80 if unknown. */
    public static int width() {
        NativeLong windowSize = new NativeLong(Platform.isMac() ? 0x40087468 : 0x5413);
        // struct winsize: rows, columns, width and height in pixels, 16 bits each.
        try (Memory size = new Memory(8)) {
            size.clear();
            LIBC.ioctl(STDERR, windowSize, size);
            int columns = size.getShort(2) & 0xffff;
            return columns == 0 ? DEFAULT_WIDTH : columns;
        }
    }
}
