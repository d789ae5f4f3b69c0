package dev.libretto.device;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.NativeLong;
import com.sun.jna.Pointer;
import java.util.Map;

/** Functions of the C library without a counterpart in Java. */
interface LibC extends Library {
    Pointer fopen(String path, String mode);

    int isatty(int descriptor);

    int poll(Pointer descriptors, NativeLong count, int timeoutMillis);

    int ioctl(int descriptor, NativeLong request, Object... argument);

    int setsockopt(int socket, int level, int option, Pointer value, int bytes);

    int setenv(String name, String value, int overwrite);

    void _exit(int code);

    /** Registers a function for {@code exit}, to be called before those registered earlier. */
    int __cxa_atexit(Pointer function, Pointer argument, Pointer library);

    /**
     * Sets variables that the environment lacks; native libraries read them, Java does not. Without JNA's library, sets none.
     */
    static void setDefaults(Map<String, String> variables) {
        LibC libc = load();
        variables.forEach((name, value) -> {
            if (libc != null && System.getenv().getOrDefault(name, "").isEmpty()) {
                libc.setenv(name, value, 1);
            }
        });
    }

    /** Returns the C library, or null if JNA's library cannot be unpacked. */
    static LibC load() {
        NativeLibraryPath.configure();
        try {
            return Native.load(LibC.class);
        } catch (LinkageError e) {
            return null;
        }
    }
}
