import '../../styles/base.css'
import './element'
import { createApp } from 'vue'
import ConsolePage from './ConsolePage.vue'

createApp(ConsolePage).mount('#page')
