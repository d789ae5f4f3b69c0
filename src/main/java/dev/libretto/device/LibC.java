package dev.libretto.device;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.NativeLong;
import com.sun.jna.Pointer;

/** The functions of the C library that Java has no other way to. */
interface LibC extends Library {
    int dup(int descriptor);

    int dup2(int from, int to);

    int open(String path, int flags);

    int close(int descriptor);

    int isatty(int descriptor);

    int poll(Pointer descriptors, NativeLong count, int timeoutMillis);

    int ioctl(int descriptor, NativeLong request, Object... argument);

    int setenv(String name, String value, int overwrite);

    void _exit(int code);

    /** Has {@code exit} call a function with an argument, before those that were registered earlier. */
    int __cxa_atexit(Pointer function, Pointer argument, Pointer library);

    /** @throws LinkageError if there is no folder to unpack JNA's library in */
    static LibC load() {
        NativeFiles.locate();
        return Native.load("c", LibC.class);
    }
}
