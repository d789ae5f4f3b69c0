package dev.libretto.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShellTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "plain",
                "分开",
                "two words",
                "it's",
                "\\",
                "$HOME `x` \"y\" !",
                "\u001b[2Jthe 'sea'\\n",
                "a\nb\tc\rd",
                "\u009b2J分\u202e\u2066x\u2028😀",
                "\u001bf0",
                "\u007f\\'\u0001"
            })
    void bashReadsTheQuotedWordUnchanged(String word) throws IOException {
        String quoted = Shell.quote(word);
        assertThat(quoted).doesNotContainPattern("[\\p{Cntrl}\u0080-\u009f\u2028-\u202e\u2066-\u2069]");

        for (String locale : new String[] {"C", "C.UTF-8"}) {
            ProcessBuilder bash = new ProcessBuilder("bash", "-s");
            bash.environment().put("LC_ALL", locale);
            Process process = bash.start();
            process.getOutputStream().write(("printf %s " + quoted).getBytes(UTF_8));
            process.getOutputStream().close();
            assertThat(process.getInputStream().readAllBytes()).asString(UTF_8).isEqualTo(word);
        }
    }
}
