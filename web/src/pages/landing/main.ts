import '../../styles/base.css'
import { createApp } from 'vue'
import LandingPage from './LandingPage.vue'

createApp(LandingPage).mount('#page')
