package dev.libretto.device;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Pointer;

/** The dynamic loader of Linux, by which TensorFlow opens the libraries of CUDA. */
interface LibDl extends Library {
    /** Resolve functions when they are called. */
    int LAZY = 1;
    /** Asks for the loader's own record of a library, in which a pointer to its path is the second word. */
    int LINK_MAP = 2;

    /** @return null where it cannot be opened */
    Pointer dlopen(String name, int mode);

    /** @return null where there is none of that name */
    Pointer dlsym(Pointer library, String function);

    /** Why the last call failed. */
    String dlerror();

    int dlinfo(Pointer library, int request, Pointer[] result);

    int dlclose(Pointer library);

    static LibDl load() {
        NativeFiles.locate();
        return Native.load(null, LibDl.class);
    }
}
