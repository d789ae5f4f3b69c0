package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What does not compute starts without TensorFlow's native library, which takes longer to load than all else. */
class StartUpTest {
    @TempDir
    private static Path runs;

    @BeforeAll
    static void train() {
        CliResult result = CliResult.of(
                runs,
                ("train --device cpu --hidden-size 4 --seq-length 5 --batch-size 2 --max-chars 100 --epochs 1 --length 1 --run "
                                + runs + "/run")
                        .split(" "));
        assertThat(result.exitCode()).as(result.err()).isZero();
    }

    /** JavaCPP, through which TensorFlow Java calls its library. */
    private static final String NATIVE = ".*/javacpp[^/]*";
    /** What only "serve" needs. */
    private static final String SERVER = ".*/(jetty|prometheus|uplot|slf4j)[^/]*";

    /** Returns Libretto with all that it depends on except some jars. */
    private static URLClassLoader without(String jars) throws MalformedURLException {
        List<URL> urls = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(System.getProperty("path.separator"))) {
            if (!entry.matches(jars)) {
                urls.add(Path.of(entry).toUri().toURL());
            }
        }
        return new URLClassLoader(urls.toArray(URL[]::new), ClassLoader.getPlatformClassLoader());
    }

    private static String run(String... words) throws Exception {
        return runWithout(NATIVE, words);
    }

    private static String runWithout(String jars, String... words) throws Exception {
        try (URLClassLoader loader = without(jars)) {
            Object result = loader.loadClass(CliResult.class.getName())
                    .getMethod("of", Path.class, String[].class)
                    .invoke(null, runs, words);
            return result.toString();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"info @/run", "info @/run --json", "--help", "train --help", "worker --help"})
    void commandNeedsNoNativeLibrary(String line) throws Exception {
        assertThat(run(line.replace("@", runs.toString()).split(" "))).startsWith("CliResult[exitCode=0, ");
    }

    @Test
    void mistakeNeedsNoNativeLibrary() throws Exception {
        assertThat(run("train", "--workers", "10.0.0.2")).startsWith("CliResult[exitCode=2, ");
    }

    @Test
    void computingNeedsTheNativeLibrary() throws Exception {
        assertThat(run("generate", "--run", runs + "/run", "--prefix", "a"))
                .startsWith("CliResult[exitCode=1, ")
                .contains("NoClassDefFoundError");
    }

    @ParameterizedTest
    @ValueSource(strings = {"info @/run", "--help", "serve --help", "plot @/run --out @/plot.png"})
    void otherCommandsNeedNoJarOfTheServer(String line) throws Exception {
        assertThat(runWithout(SERVER, line.replace("@", runs.toString()).split(" ")))
                .startsWith("CliResult[exitCode=0, ");
    }
}
