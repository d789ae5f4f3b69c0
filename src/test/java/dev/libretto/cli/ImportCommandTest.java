package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.libretto.run.RunDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.commons.lang3.StringUtils;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("numeric")
class ImportCommandTest {
    @TempDir
    private Path folder;

    private String run(String line) {
        CliResult result = CliResult.of(
                folder.resolve("runs"), line.replace("@", folder.toString()).split(" "));
        assertThat(result.exitCode()).as(result.err()).isZero();
        return result.out();
    }

    /** The same weights with other symbols: one that comes first by code point is the last, one is beyond the BMP. */
    @Test
    void vocabularyMayBeInAnyOrder() throws IOException {
        Files.writeString(folder.resolve("text.txt"), "abcd abc dcba ".repeat(40));
        run("train --corpus @/text.txt --run @/run --hidden-size 6 --epochs 2 --batch-size 4 --seq-length 10");
        run("export --run @/run --out @/w.safetensors");
        Path description = folder.resolve("w.safetensors.json");
        String vocabulary = "\" \", \"a\", \"b\", \"c\", \"d\"";
        assertThat(description).content().contains(vocabulary);
        Files.writeString(
                description, Files.readString(description).replace(vocabulary, "\"a\", \"d\", \"z\", \"😀\", \"0\""));

        run("import --weights @/w.safetensors --run @/imported");

        assertThat(RunDirectory.open(folder.resolve("imported")).vocabulary().symbols())
                .containsExactly("a", "d", "z", "😀", "0");
        Files.writeString(folder.resolve("other.txt"), "dz😀0adz😀a0😀zda".repeat(40));
        // The characters are others, and so are their bytes.
        String perByte = "bits per byte";
        assertThat(StringUtils.substringBefore(run("evaluate --run @/imported --corpus @/other.txt"), perByte))
                .isEqualTo(StringUtils.substringBefore(run("evaluate --run @/run --corpus @/text.txt"), perByte));
        run("export --run @/imported --out @/again.safetensors");
        assertThat(folder.resolve("again.safetensors.json")).content().isEqualTo(Files.readString(description));
        assertThat(folder.resolve("again.safetensors")).hasSameBinaryContentAs(folder.resolve("w.safetensors"));
    }
}
