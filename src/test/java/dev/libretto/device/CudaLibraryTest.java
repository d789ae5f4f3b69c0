package dev.libretto.device;

import static org.assertj.core.api.Assertions.assertThat;

import dev.libretto.device.CudaLibrary.Found;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.javacpp.Loader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Searches for CUDA's libraries in directories that hold none. */
@EnabledOnOs(OS.LINUX)
class CudaLibraryTest {
    @TempDir
    private Path folder;

    private Found find(String file) {
        List<Found> all = CudaLibrary.findAll(folder + "/");
        return all.stream()
                .filter(found -> found.file().equals(file))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void missingLibraryNamesPackage() {
        assertThat(find("libcudnn.so.9"))
                .isEqualTo(new Found(
                        "cuDNN",
                        "libcudnn.so.9",
                        true,
                        null,
                        null,
                        "it cannot be opened: not found; build with -Pgpu,cuda-redist, or install NVIDIA's package"
                                + " libcudnn9-cuda-12"));
        assertThat(CudaLibrary.findAll(folder + "/"))
                .hasSize(11)
                .allSatisfy(found -> assertThat(found.problem()).contains("not found"))
                .filteredOn(Found::required)
                .extracting(Found::library)
                .containsExactly("CUDA runtime", "cuBLAS", "cuBLASLt", "cuFFT", "cuSOLVER", "cuSPARSE", "cuDNN");
    }

    /** In a new process, because JNA's first string conversion differs from later ones. */
    @Test
    void firstMissingLibraryIsReportedLikeTheOthers() throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        FirstSearch.class.getName(),
                        folder + "/")
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).isZero();
        assertThat(out.lines())
                .hasSize(11)
                .allSatisfy(problem -> assertThat(problem).startsWith("it cannot be opened: not found; "));
    }

    /** Prints the problem of each library in a directory. */
    public static final class FirstSearch {
        private FirstSearch() {}

        public static void main(String[] arguments) {
            CudaLibrary.findAll(arguments[0]).forEach(found -> System.out.println(found.problem()));
        }
    }

    @Test
    void fileThatIsNotALibraryIsRejected() throws IOException {
        Files.writeString(folder.resolve("libcublas.so.12"), "not a library, and longer than its header ".repeat(9));
        assertThat(find("libcublas.so.12").problem()).startsWith("it cannot be opened: invalid ELF header; build with");
    }

    /** JNA's library stands in for a wrong one. */
    @Test
    void differentLibraryWithTheSameNameIsRejected() throws IOException {
        String system =
                "/com/sun/jna/linux-" + (System.getProperty("os.arch").equals("aarch64") ? "aarch64" : "x86-64");
        File library = Loader.cacheResource(system + "/libjnidispatch.so");
        Path path = Files.copy(library.toPath(), folder.resolve("libcudart.so.12"));
        assertThat(find("libcudart.so.12")).satisfies(found -> {
            assertThat(found.path()).isEqualTo(path.toString());
            assertThat(found.problem())
                    .startsWith("it has no function cudaRuntimeGetVersion, so it is a different library; ");
        });
    }

    @ParameterizedTest
    @CsvSource({
        "9.2.1, 9.3, true",
        "9.3.0, 9.3, false",
        "9.10.0, 9.3, false",
        "8.9.7, 9.3, true",
        "12.6, 12.0, false",
        "interface 24, '', false"
    })
    void comparesVersions(String version, String oldest, boolean isOlder) {
        assertThat(CudaLibrary.isOlder(version, oldest)).isEqualTo(isOlder);
    }
}
