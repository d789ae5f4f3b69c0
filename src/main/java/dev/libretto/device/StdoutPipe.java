package dev.libretto.device;

import com.sun.jna.Memory;
import com.sun.jna.NativeLong;

/** The pipe that stdout may lead to. */
public final class StdoutPipe {
    private static final int STDOUT = 1;
    private static final int POLLERR = 8;
    private static final int POLLHUP = 16;

    private StdoutPipe() {}

    /**
     * Returns whether stdout is a pipe whose reader has gone away, as {@code head} does when it has read enough. The message
     * of an exception does not tell: the C library translates it.
     */
    public static boolean isClosed() {
        // struct pollfd: descriptor, the events asked for, and those found, 32, 16 and 16 bits.
        try (Memory pollfd = new Memory(8)) {
            pollfd.clear();
            pollfd.setInt(0, STDOUT);
            LibC.load().poll(pollfd, new NativeLong(1), 0);
            return (pollfd.getShort(6) & (POLLERR | POLLHUP)) != 0;
        } catch (LinkageError e) {
            // Without a place to unpack JNA's library it cannot be asked.
            return false;
        }
    }
}
