package dev.libretto.device;

import com.sun.jna.Memory;
import com.sun.jna.NativeLong;
import com.sun.jna.Platform;

/** The terminal that this process may write to. */
public final class Terminal {
    private static final int STDOUT = 1;
    private static final int STDERR = 2;
    private static final int DEFAULT_WIDTH = 80;

    private Terminal() {}

    /** Whether stdout and stderr both lead to a terminal that can redraw a line. */
    public static boolean isPresent() {
        return isStdout() && isStderr() && canRedraw(System.getenv("TERM"));
    }

    /** @param type as TERM has it, null where it is not set; a dumb terminal shows escape sequences as text */
    static boolean canRedraw(String type) {
        return !"dumb".equals(type);
    }

    /** Whether stdout leads to a terminal. */
    public static boolean isStdout() {
        return isTerminal(STDOUT);
    }

    /** Whether stderr leads to a terminal. */
    public static boolean isStderr() {
        return isTerminal(STDERR);
    }

    private static boolean isTerminal(int descriptor) {
        try {
            return LibC.load().isatty(descriptor) == 1;
        } catch (LinkageError e) {
            // Without a place to unpack JNA's library it cannot be asked.
            return false;
        }
    }

    /** The columns of the terminal now; 80 where it does not say. */
    public static int width() {
        NativeLong windowSize = new NativeLong(Platform.isMac() ? 0x40087468 : 0x5413);
        // struct winsize: rows, columns, and the size in pixels, 16 bits each.
        try (Memory size = new Memory(8)) {
            size.clear();
            LibC.load().ioctl(STDERR, windowSize, size);
            int columns = size.getShort(2) & 0xffff;
            return columns == 0 ? DEFAULT_WIDTH : columns;
        }
    }
}
