package dev.libretto.device;

import com.sun.jna.Function;
import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** The CUDA libraries that TensorFlow 2.18 opens by name to compute on a GPU. */
public enum CudaLibrary {
    RUNTIME(
            "CUDA runtime",
            "libcudart.so.12",
            true,
            "cuda-cudart-12-6",
            "12.0",
            VersionQuery.RUNTIME,
            "cudaRuntimeGetVersion"),
    CUBLAS("cuBLAS", "libcublas.so.12", true, "libcublas-12-6", "12.0", VersionQuery.PROPERTIES, "cublasGetProperty"),
    CUBLAS_LT(
            "cuBLASLt",
            "libcublasLt.so.12",
            true,
            "libcublas-12-6",
            "12.0",
            VersionQuery.PROPERTIES,
            "cublasLtGetProperty"),
    CUFFT("cuFFT", "libcufft.so.11", true, "libcufft-12-6", "11.0", VersionQuery.PROPERTIES, "cufftGetProperty"),
    CUSOLVER(
            "cuSOLVER",
            "libcusolver.so.11",
            true,
            "libcusolver-12-6",
            "11.0",
            VersionQuery.PROPERTIES,
            "cusolverGetProperty"),
    CUSPARSE(
            "cuSPARSE",
            "libcusparse.so.12",
            true,
            "libcusparse-12-6",
            "12.0",
            VersionQuery.PROPERTIES,
            "cusparseGetProperty"),
    CUDNN("cuDNN", "libcudnn.so.9", true, "libcudnn9-cuda-12", "9.3", VersionQuery.PROPERTIES, "cudnnGetProperty"),
    CURAND("cuRAND", "libcurand.so.10", false, "libcurand-12-6", "10.0", VersionQuery.PROPERTIES, "curandGetProperty"),
    NVRTC("NVRTC", "libnvrtc.so.12", false, "cuda-nvrtc-12-6", "12.0", VersionQuery.PAIR, "nvrtcVersion"),
    NVJITLINK(
            "nvJitLink",
            "libnvJitLink.so.12",
            false,
            "libnvjitlink-12-6",
            "12.0",
            VersionQuery.PAIR,
            "nvJitLinkVersion"),
    CUPTI("CUPTI", "libcupti.so.12", false, "cuda-cupti-12-6", "", VersionQuery.API, "cuptiGetVersion");

    /** How a library reports its version. */
    private enum VersionQuery {
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

    private final String label;
    private final String file;
    private final boolean required;
    private final String debianPackage;
    private final String oldest;
    private final VersionQuery versionQuery;
    private final String function;

    CudaLibrary(
            String label,
            String file,
            boolean required,
            String debianPackage,
            String oldest,
            VersionQuery versionQuery,
            String function) {
        this.label = label;
        this.file = file;
        this.required = required;
        this.debianPackage = debianPackage;
        this.oldest = oldest;
        this.versionQuery = versionQuery;
        this.function = function;
    }

    /** Searches for each library as TensorFlow does, by opening it by name. */
    public static List<Found> findAll() {
        return findAll("");
    }

    /** @param folder the directory to search, ending in a slash; empty to let the loader search */
    static List<Found> findAll(String folder) {
        LibDl loader = LibDl.load();
        // Opening a directory fails on purpose, twice. JNA resolves dlerror at the first failure and the function that
        // reads its text at the second; resolving a symbol frees the pending error text.
        for (int i = 0; i < 2; i++) {
            loader.dlopen("/", LibDl.LAZY);
            loader.dlerror();
        }
        return Arrays.stream(values())
                .map(library -> library.find(loader, folder))
                .toList();
    }

    private Found find(LibDl loader, String folder) {
        Pointer library = loader.dlopen(folder + file, LibDl.LAZY);
        if (library == null) {
            return found(null, null, "it cannot be opened: " + reason(loader.dlerror()));
        }
        try {
            String path = path(loader, library);
            Pointer address = loader.dlsym(library, function);
            if (address == null) {
                return found(path, null, "it has no function " + function + ", so it is a different library");
            }
            String version = version(Function.getFunction(address));
            return found(path, version, isOlder(version, oldest) ? "it is older than " + oldest : null);
        } finally {
            loader.dlclose(library);
        }
    }

    private Found found(String path, String version, String problem) {
        String whole = problem == null
                ? null
                : problem + "; build with -Pgpu,cuda-redist, or install NVIDIA's package " + debianPackage;
        return new Found(label, file, required, path, version, whole);
    }

    private static String reason(String error) {
        return error.contains("No such file") ? "not found" : error.replaceFirst("^[^:]*: ", "");
    }

    private static String path(LibDl loader, Pointer library) {
        Pointer[] linkMap = new Pointer[1];
        loader.dlinfo(library, LibDl.LINK_MAP, linkMap);
        return linkMap[0].getPointer(Native.POINTER_SIZE).getString(0);
    }

    private String version(Function get) {
        int[] first = new int[1];
        int[] second = new int[1];
        switch (versionQuery) {
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

    /** Returns whether a version precedes {@code oldest}; always false if that is empty. */
    static boolean isOlder(String version, String oldest) {
        if (oldest.isEmpty()) {
            return false;
        }
        int[] has = numbers(version);
        int[] needs = numbers(oldest);
        return Arrays.compare(has, 0, 2, needs, 0, 2) < 0;
    }

    private static int[] numbers(String version) {
        return Arrays.stream(version.split("\\.")).mapToInt(Integer::parseInt).toArray();
    }

    /** Linux's dynamic loader. */
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
}
