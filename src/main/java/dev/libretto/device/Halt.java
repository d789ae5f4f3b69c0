package dev.libretto.device;

import com.sun.jna.Function;
import com.sun.jna.Pointer;

/**
 * Ends the process while TensorFlow's threads compute. {@link System#exit} and {@link Runtime#halt} run the destructors of
 * native libraries, under which a computing thread can crash.
 */
public final class Halt {
    private static final String EXIT = "_exit";

    private final LibC libc;

    /** Loads what is needed, so that nothing is left to load when it is time. */
    public Halt() {
        LibC loaded;
        try {
            loaded = LibC.load();
        } catch (LinkageError e) {
            // Without a place to unpack JNA's library Java's own way has to do.
            loaded = null;
        }
        libc = loaded;
    }

    /** Ends the process at once; Java's shutdown hooks do not run. */
    public void now(int exitCode) {
        if (libc != null) {
            libc._exit(exitCode);
        }
        Runtime.getRuntime().halt(exitCode);
    }

    /** Ends the process as {@link System#exit} does, but without the destructors of native libraries. */
    public void exit(int exitCode) {
        if (libc != null) {
            skipDestructors(exitCode);
        }
        System.exit(exitCode);
    }

    /** Has the C library call {@code _exit} first: what was registered last runs first. */
    private void skipDestructors(int exitCode) {
        try {
            libc.__cxa_atexit(Function.getFunction("c", EXIT), Pointer.createConstant(exitCode), null);
        } catch (LinkageError e) {
            // Another C library may lack it; the process ends as Java's do.
            return;
        }
    }
}
