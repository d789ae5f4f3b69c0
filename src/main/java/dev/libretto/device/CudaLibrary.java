package dev.libretto.device;

import com.sun.jna.Function;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** A library of CUDA that TensorFlow 2.18 opens by its name when it wants to compute on a GPU. */
public enum CudaLibrary {
    RUNTIME(
            "CUDA runtime",
            "libcudart.so.12",
            true,
            "cuda-cudart-12-6",
            "12.0",
            Asked.RUNTIME,
            "cudaRuntimeGetVersion"),
    CUBLAS("cuBLAS", "libcublas.so.12", true, "libcublas-12-6", "12.0", Asked.PROPERTIES, "cublasGetProperty"),
    CUBLAS_LT("cuBLASLt", "libcublasLt.so.12", true, "libcublas-12-6", "12.0", Asked.PROPERTIES, "cublasLtGetProperty"),
    CUFFT("cuFFT", "libcufft.so.11", true, "libcufft-12-6", "11.0", Asked.PROPERTIES, "cufftGetProperty"),
    CUSOLVER(
            "cuSOLVER", "libcusolver.so.11", true, "libcusolver-12-6", "11.0", Asked.PROPERTIES, "cusolverGetProperty"),
    CUSPARSE(
            "cuSPARSE", "libcusparse.so.12", true, "libcusparse-12-6", "12.0", Asked.PROPERTIES, "cusparseGetProperty"),
    CUDNN("cuDNN", "libcudnn.so.9", true, "libcudnn9-cuda-12", "9.3", Asked.PROPERTIES, "cudnnGetProperty"),
    CURAND("cuRAND", "libcurand.so.10", false, "libcurand-12-6", "10.0", Asked.PROPERTIES, "curandGetProperty"),
    NVRTC("NVRTC", "libnvrtc.so.12", false, "cuda-nvrtc-12-6", "12.0", Asked.PAIR, "nvrtcVersion"),
    NVJITLINK("nvJitLink", "libnvJitLink.so.12", false, "libnvjitlink-12-6", "12.0", Asked.PAIR, "nvJitLinkVersion"),
    CUPTI("CUPTI", "libcupti.so.12", false, "cuda-cupti-12-6", "", Asked.API, "cuptiGetVersion");

    /** How a library tells its version. */
    private enum Asked {
        /** A number, 1000 times the major and 10 times the minor version. */
        RUNTIME,
        /** One call each for the major and the minor version and the patch level. */
        PROPERTIES,
        /** Major and minor version. */
        PAIR,
        /** The number of its interface, which is not a version of CUDA. */
        API
    }

    /**
     * What became of the search for a library.
     *
     * @param library the field's name for it
     * @param file its name, by which TensorFlow opens it
     * @param required whether TensorFlow takes no GPU without it
     * @param path where the loader found it; null where it did not
     * @param version what it says of itself; null where it does not
     * @param problem why it cannot be used and what to do; null where it can
     */
    public record Found(String library, String file, boolean required, String path, String version, String problem) {}

    private final String label;
    private final String file;
    private final boolean required;
    private final String debianPackage;
    private final String oldest;
    private final Asked asked;
    private final String function;

    CudaLibrary(
            String label,
            String file,
            boolean required,
            String debianPackage,
            String oldest,
            Asked asked,
            String function) {
        this.label = label;
        this.file = file;
        this.required = required;
        this.debianPackage = debianPackage;
        this.oldest = oldest;
        this.asked = asked;
        this.function = function;
    }

    /** Looks for each of them as TensorFlow does: has the loader open it by its name. */
    public static List<Found> findAll() {
        return findAll("");
    }

    /** @param folder the folder to look in, with its slash; empty where the loader is to search */
    static List<Found> findAll(String folder) {
        LibDl loader = LibDl.load();
        // Errors ahead, of opening a folder. For the first one Java looks up dlerror, for the next the reading of its
        // text, and what a look-up asks of the loader frees the text that was to be read.
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
                return found(path, null, "it has no function " + function + ", so it is another library");
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

    /** What the loader says, without the file that it says it of. */
    private static String reason(String error) {
        return error.contains("No such file") ? "it is not found" : error.replaceFirst("^[^:]*: ", "");
    }

    private static String path(LibDl loader, Pointer library) {
        Pointer[] linkMap = new Pointer[1];
        loader.dlinfo(library, LibDl.LINK_MAP, linkMap);
        return linkMap[0].getPointer(Native.POINTER_SIZE).getString(0);
    }

    private String version(Function get) {
        int[] first = new int[1];
        int[] second = new int[1];
        switch (asked) {
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

    /** Whether a version comes before another; none does before an empty one. */
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
}
