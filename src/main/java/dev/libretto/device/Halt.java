package dev.libretto.device;

import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;

/**
 * Ends the process while TensorFlow's threads compute. {@link System#exit} and {@link Runtime#halt} run the destructors of
 * native libraries, which can crash a thread that still computes.
 */
public final class Halt {
    /** Loaded before it is needed, so that ending the process loads nothing. */
    private final LibC libc = LibC.load();

    /** Ends the process at once, without shutdown hooks. */
    public void now(int exitCode) {
        if (libc != null) {
            libc._exit(exitCode);
        }
        Runtime.getRuntime().halt(exitCode);
    }

    /** Ends the process like {@link System#exit}, but without the destructors of native libraries. */
    public void exit(int exitCode) {
        if (libc != null) {
            try {
                // The C library calls what was registered last first.
                libc.__cxa_atexit(
                        NativeLibrary.getProcess().getFunction("_exit"), Pointer.createConstant(exitCode), null);
            } catch (LinkageError e) {
                // Not every C library has __cxa_atexit.
            }
        }
        System.exit(exitCode);
    }
}
