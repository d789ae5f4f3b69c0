package dev.libretto.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A start does not pay for formats that it does not read. */
class UnpackingLibrariesTest {
    @TempDir
    private Path folder;

    /** Reads a corpus in a process of its own. */
    public static final class Reader {
        private Reader() {}

        public static void main(String[] args) throws IOException {
            Corpus.read(Path.of(args[0]), CorpusOptions.WHOLE_TEXT);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "PLAIN, ''",
        "GZIP, ''",
        "ZIP, ''",
        "TAR, org.apache.commons.compress.archivers.tar.TarArchiveInputStream",
        "BZIP2, org.apache.commons.compress.compressors.bzip2.BZip2CompressorInputStream",
        "XZ, org.tukaani.xz.XZInputStream",
        "ZSTD, io.airlift.compress.zstd.ZstdInputStream"
    })
    void librariesAreLoadedForTheFormatsThatNeedThem(Packing packing, String expected) throws Exception {
        Path file = Files.write(folder.resolve("text.txt"), packing.pack(new byte[] {'a', 'b'}));
        Path log = folder.resolve("classes");
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xlog:class+load:file=" + log,
                        "-cp",
                        System.getProperty("java.class.path"),
                        Reader.class.getName(),
                        file.toString())
                .inheritIO()
                .start();
        assertThat(process.waitFor()).isZero();

        String libraries = Files.readString(log)
                .lines()
                .filter(line -> line.matches(".*] (org\\.apache\\.commons|org\\.tukaani|io\\.airlift)\\..*"))
                .collect(Collectors.joining("\n"));
        if (expected.isEmpty()) {
            assertThat(libraries).isEmpty();
        } else {
            assertThat(libraries).contains(expected);
        }
    }
}
