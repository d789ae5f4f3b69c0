package dev.libretto.serve;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.libretto.ByteSource;
import dev.libretto.Fuzzing;
import dev.libretto.text.Vocabulary;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

/** A request is read, or refused with a message of one line that can be sent. */
class RequestFuzzTest {
    private static final Vocabulary VOCABULARY = Vocabulary.ofSymbols(List.of("a", "b", "\n", "狐", "𝄞", ""), false);
    private static final Limits LIMITS = new Limits(4, 8, 1 << 16, 100, 1000, 1 << 20, 8, Duration.ofSeconds(1));
    private static final List<String> NAMES = List.of(
            "prompt",
            "max_tokens",
            "n",
            "temperature",
            "top_p",
            "top_k",
            "min_p",
            "stop",
            "seed",
            "echo",
            "logprobs",
            "stream",
            "stream_options",
            "logit_bias",
            "allow",
            "forbid",
            "repetition_penalty",
            "repeat_last_n",
            "no_repeat_ngram_size",
            "unknown",
            "best_of",
            "suffix",
            "user",
            "presence_penalty",
            "x\\n");
    private static final List<String> VALUES = List.of(
            "1",
            "0",
            "-1",
            "2",
            "0.5",
            "1e308",
            "-1e999",
            "123456789012345678901",
            "true",
            "false",
            "null",
            "\"\"",
            "\"a\"",
            "\"ab狐𝄞\"",
            "\"\\ud834\"",
            "\"skip\"",
            "\"\\u0000\\u2028\"",
            "[]",
            "[\"a\",\"b\"]",
            "[[1]]",
            "{}",
            "{\"a\":1}",
            "{\"a\":false,\"b\":-1e999}",
            "{\"include_usage\":true}");

    /** Bytes as they are, or choices of fields. */
    @FuzzTest
    void readsRequests(byte[] bytes) {
        read(bytes);
        read(object(new ByteSource(bytes)));
    }

    @Test
    void randomRequests() {
        for (int seed = 0; seed < 20_000; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            byte[] body = object(random);
            read(body);
            read(Fuzzing.damaged(body, VALUES.toString().getBytes(UTF_8), random));
        }
    }

    private static byte[] object(RandomGenerator random) {
        StringBuilder object = new StringBuilder("{");
        for (int i = random.nextInt(6); i >= 0; i--) {
            object.append(object.length() > 1 ? "," : "")
                    .append('"')
                    .append(NAMES.get(random.nextInt(NAMES.size())))
                    .append("\":")
                    .append(VALUES.get(random.nextInt(VALUES.size())));
        }
        return object.append("}").toString().getBytes(UTF_8);
    }

    private static void read(byte[] body) {
        try {
            CompletionRequest request = CompletionRequest.read(new Fields(JsonBody.parse(body)), VOCABULARY, LIMITS);
            assertThat(request.options().length()
                            * request.samples()
                            * request.prompts().size())
                    .isBetween(0, LIMITS.characters());
        } catch (ApiException e) {
            assertThat(e.status()).isEqualTo(400);
            assertThat(e.getMessage())
                    .doesNotContainPattern("[\\p{Cc}\\p{Zl}\\p{Zp}]")
                    .hasSizeBetween(1, 500);
            assertThat(new String(JsonBody.write(e.toJson()), UTF_8)).contains("\"message\"");
        }
    }
}
