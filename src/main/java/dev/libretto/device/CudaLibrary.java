package dev.libretto.device;

import static dev.libretto.device.CudaLibrary.Query.API;
import static dev.libretto.device.CudaLibrary.Query.PAIR;
import static dev.libretto.device.CudaLibrary.Query.PROPERTIES;
import static dev.libretto.device.CudaLibrary.Query.RUNTIME;

import com.sun.jna.Function;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** The CUDA libraries that TensorFlow 2.18 opens by name to compute on a GPU. */
public final class CudaLibrary {
    /**
     * The result of searching for a library.
     *
     * @param library its usual name, such as cuDNN
     * @param file the file name that TensorFlow opens
     * @param required whether TensorFlow rejects all GPUs without it
     * @param path where the loader found it, or null
     * @param version the version it reports, or null
     * @param problem why it cannot be used and what to do; null if it can
     */
    public record Found(String library, String file, boolean required, String path, String version, String problem) {}

    /** How a library reports its version. */
    enum Query {
        /** As 1000 · major + 10 · minor. */
        RUNTIME,
        /** With one call each for major, minor and patch level. */
        PROPERTIES,
        /** As major and minor. */
        PAIR,
        /** The version of its API, which is not a CUDA version. */
        API
    }

    /**
     * A library to search for.
     *
     * @param function returns its version
     * @param oldest the oldest version that works; empty if any does
     */
    private record Library(
            String name, String file, String debianPackage, Query query, String function, String oldest) {
        Found find(String folder) {
            Pointer library = LibDl.dlopen(folder + file, LibDl.LAZY);
            if (library == null) {
                return found(null, null, "it cannot be opened: " + reason(LibDl.dlerror()));
            }
            try {
                String path = path(library);
                Pointer address = LibDl.dlsym(library, function);
                if (address == null) {
                    return found(path, null, "it has no function " + function + ", so it is a different library");
                }
                String version = version(Function.getFunction(address));
                return found(path, version, isOlder(version, oldest) ? "it is older than " + oldest : null);
            } finally {
                LibDl.dlclose(library);
            }
        }

        private Found found(String path, String version, String problem) {
            String whole = problem == null
                    ? null
                    : problem + "; build with -Pgpu,cuda-redist, or install NVIDIA's package " + debianPackage;
            return new Found(name, file, REQUIRED.contains(this), path, version, whole);
        }

        private String version(Function get) {
            int[] first = new int[1];
            int[] second = new int[1];
            switch (query) {
                case RUNTIME -> {
                    get.invokeInt(new Object[] {first});
                    return first[0] / 1000 + "." + first[0] % 1000 / 10;
                }
                case PAIR -> {
                    get.invokeInt(new Object[] {first, second});
                    return first[0] + "." + second[0];
                }
                case API -> {
                    get.invokeInt(new Object[] {first});
                    return "interface " + first[0];
                }
                default -> {
                    int[] patch = new int[1];
                    get.invokeInt(new Object[] {0, first});
                    get.invokeInt(new Object[] {1, second});
                    get.invokeInt(new Object[] {2, patch});
                    return String.format(Locale.ROOT, "%d.%d.%d", first[0], second[0], patch[0]);
                }
            }
        }
    }

    private static final List<Library> REQUIRED = List.of(
            new Library(
                    "CUDA runtime", "libcudart.so.12", "cuda-cudart-12-6", RUNTIME, "cudaRuntimeGetVersion", "12.0"),
            new Library("cuBLAS", "libcublas.so.12", "libcublas-12-6", PROPERTIES, "cublasGetProperty", "12.0"),
            new Library("cuBLASLt", "libcublasLt.so.12", "libcublas-12-6", PROPERTIES, "cublasLtGetProperty", "12.0"),
            new Library("cuFFT", "libcufft.so.11", "libcufft-12-6", PROPERTIES, "cufftGetProperty", "11.0"),
            new Library("cuSOLVER", "libcusolver.so.11", "libcusolver-12-6", PROPERTIES, "cusolverGetProperty", "11.0"),
            new Library("cuSPARSE", "libcusparse.so.12", "libcusparse-12-6", PROPERTIES, "cusparseGetProperty", "12.0"),
            new Library("cuDNN", "libcudnn.so.9", "libcudnn9-cuda-12", PROPERTIES, "cudnnGetProperty", "9.3"));

    private static final List<Library> OPTIONAL = List.of(
            new Library("cuRAND", "libcurand.so.10", "libcurand-12-6", PROPERTIES, "curandGetProperty", "10.0"),
            new Library("NVRTC", "libnvrtc.so.12", "cuda-nvrtc-12-6", PAIR, "nvrtcVersion", "12.0"),
            new Library("nvJitLink", "libnvJitLink.so.12", "libnvjitlink-12-6", PAIR, "nvJitLinkVersion", "12.0"),
            new Library("CUPTI", "libcupti.so.12", "cuda-cupti-12-6", API, "cuptiGetVersion", ""));

    private CudaLibrary() {}

    /** Searches for each library as TensorFlow does, by opening it by name. */
    public static List<Found> findAll() {
        return findAll("");
    }

    /** @param folder the directory to search, ending in a slash; empty to let the loader search */
    static List<Found> findAll(String folder) {
        return Stream.of(REQUIRED, OPTIONAL)
                .flatMap(List::stream)
                .map(library -> library.find(folder))
                .toList();
    }

    private static String reason(String error) {
        return error.contains("No such file") ? "not found" : error.replaceFirst("^[^:]*: ", "");
    }

    private static String path(Pointer library) {
        PointerByReference linkMap = new PointerByReference();
        LibDl.dlinfo(library, LibDl.LINK_MAP, linkMap);
        return linkMap.getValue().getPointer(Native.POINTER_SIZE).getString(0);
    }

    /** Returns whether a version precedes {@code oldest}; always false if that is empty. */
    static boolean isOlder(String version, String oldest) {
        return !oldest.isEmpty() && Arrays.compare(numbers(version), 0, 2, numbers(oldest), 0, 2) < 0;
    }

    private static int[] numbers(String version) {
        return Arrays.stream(version.split("\\.")).mapToInt(Integer::parseInt).toArray();
    }

    /** Linux's dynamic loader. All functions are resolved at once, because resolving one discards the text of an error. */
    private static final class LibDl {
        /** RTLD_LAZY: resolves functions when they are called. */
        static final int LAZY = 1;
        /** RTLD_DI_LINKMAP: the loader's record of a library, whose second word points to its path. */
        static final int LINK_MAP = 2;

        static {
            NativeLibraryPath.configure();
            Native.register(LibDl.class, NativeLibrary.getProcess());
        }

        /** Returns null if the library cannot be opened. */
        static native Pointer dlopen(String name, int mode);

        /** Returns null if there is no such function. */
        static native Pointer dlsym(Pointer library, String function);

        /** Returns the error of the last failed call. */
        static native String dlerror();

        static native int dlinfo(Pointer library, int request, PointerByReference result);

        static native int dlclose(Pointer library);
    }
}
