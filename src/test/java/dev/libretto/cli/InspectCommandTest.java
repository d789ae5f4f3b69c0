package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InspectCommandTest {
    @TempDir
    private Path folder;

    private CliResult run(String in, String line) {
        return CliResult.reading(
                in, folder.resolve("runs"), line.replace("@", folder.toString()).split(" "));
    }

    @Test
    void writesAPageOfItsOwnAndTheStates() throws IOException {
        CliResult trained = run(
                "",
                "train --device cpu --cell lstm --hidden-size 3 --layers 2 --seq-length 5 --batch-size 2 --max-chars 100"
                        + " --epochs 1 --length 1 --run @/run");
        assertThat(trained.exitCode()).as(trained.err()).isZero();
        String line = "inspect --device cpu --run @/run --text - --out @/page.html --states @/states";

        CliResult result = run("四点</script><img src=x>\n", line);

        assertThat(result.exitCode()).as(result.err()).isZero();
        // The corpus is Chinese, and has spaces.
        assertThat(result.err()).contains("warning: skipped 19 unknown characters\n");
        assertThat(Files.readString(folder.resolve("page.html")))
                .contains("四点\\u003c/script>", "script-src 'sha256-")
                .doesNotContain("四点</script>", "<img")
                .containsOnlyOnce("<script type=\"module\">");
        for (String name : new String[] {"layer_0_h", "layer_0_c", "layer_1_h", "layer_1_c"}) {
            byte[] file = Files.readAllBytes(folder.resolve("states/" + name + ".npy"));
            assertThat(new String(file, StandardCharsets.ISO_8859_1)).contains("'shape': (22, 3)");
            assertThat(file).hasSize(128 + 22 * 3 * 4);
        }
        assertThat(run("四点", line).err()).contains("page.html already exists");
        assertThat(run("四点", line + " --overwrite").exitCode()).isZero();
        Files.writeString(folder.resolve("states/mine"), "");
        assertThat(run("四点", line + " --overwrite").err()).contains("mine was not written by Libretto");
    }
}
