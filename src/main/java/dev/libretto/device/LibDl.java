package dev.libretto.device;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Pointer;

/** Linux's dynamic loader, with which TensorFlow opens CUDA's libraries. */
interface LibDl extends Library {
    /** RTLD_LAZY: resolves functions when they are called. */
    int LAZY = 1;
    /** RTLD_DI_LINKMAP: the loader's record of a library, whose second word points to its path. */
    int LINK_MAP = 2;

    /** Returns null if the library cannot be opened. */
    Pointer dlopen(String name, int mode);

    /** Returns null if there is no such function. */
    Pointer dlsym(Pointer library, String function);

    /** Returns the error of the last failed call. */
    String dlerror();

    int dlinfo(Pointer library, int request, Pointer[] result);

    int dlclose(Pointer library);

    static LibDl load() {
        NativeLibraryPath.configure();
        return Native.load(null, LibDl.class);
    }
}
